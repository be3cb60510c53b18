/** Byte tokens, "<0x00>" to "<0xFF>": how vocabularies of characters spell what they have no token for. */
import type { Vocabulary } from "../vocabulary.js";

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const utf8 = new TextEncoder();

/** The byte that the text of a token stands for, or undefined. */
export function byteOfToken(text: string): number | undefined {
  const match = text.length === 6 ? BYTE_TOKEN.exec(text) : null;
  return match === null ? undefined : Number.parseInt(match[1]!, 16);
}

/** Token of each byte, or -1. // [256] */
export function byteTokenIds(vocabulary: Vocabulary): Int32Array {
  const ids = new Int32Array(256).fill(-1);
  for (const id of vocabulary.idsOfKind("byte")) {
    const byte = byteOfToken(vocabulary.text(id));
    if (byte !== undefined) ids[byte] = id;
  }
  return ids;
}

/** Writes the byte tokens of `text` into `ids` at `at`, all or none; returns how many. */
export function pushBytes(text: string, byteIds: Int32Array, ids: Int32Array | number[], at: number): number {
  const bytes = utf8.encode(text);
  if (bytes.some((byte) => byteIds[byte]! < 0)) return 0;
  bytes.forEach((byte, i) => {
    ids[at + i] = byteIds[byte]!;
  });
  return bytes.length;
}
