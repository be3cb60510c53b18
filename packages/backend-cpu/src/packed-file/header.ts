/**
 * The first 64 KiB of a packed file: text, so that people can read it. Byte a of the file is byte a of the engine's memory,
 * so what follows are the packed weights as they lie there.
 *
 *     millet packed weights 1
 *     <SHA-256 of the next line>
 *     {"key":"...","byteLength":...,"blockBytes":...,"sums":"<base64, 8 bytes a block>"}
 */
import type { FileHandle } from "node:fs/promises";
import { Fixed } from "../../assembly/memory.js";

export interface PackedHeader {
  /** See identity.ts. */
  readonly key: string;
  /** Bytes that follow the header. */
  readonly byteLength: number;
  /** Bytes of a block; the last one may be shorter. */
  readonly blockBytes: number;
  /** 8 bytes a block (assembly/kernels/checksum.ts). */
  readonly sums: Uint8Array;
}

/** Where weights begin, in the file and in the engine's memory. */
export const HEADER_BYTES = Fixed.Reserved as number;
/** Whole stripes of the checksum and whole pages of every system. */
export const FILE_UNIT_BYTES = 65536;
const MAGIC = "millet packed weights 1";
const LEAST_BLOCK_BYTES = 1 << 20;
/** Their sums fit into the header. */
const MOST_BLOCKS = 4096;

/** Bytes of a block for so many bytes of weights. */
export function blockBytesOf(byteLength: number): number {
  let blockBytes = LEAST_BLOCK_BYTES;
  while (byteLength > MOST_BLOCKS * blockBytes) blockBytes *= 2;
  return blockBytes;
}

export function encodeHeader(
  { key, byteLength, blockBytes, sums }: PackedHeader,
  sha256: (text: string) => string,
): Uint8Array {
  const body = JSON.stringify({ key, byteLength, blockBytes, sums: base64(sums) });
  const text = `${MAGIC}\n${sha256(body)}\n${body}\n`;
  if (text.length > HEADER_BYTES) throw new RangeError(`a header of ${text.length} bytes`);
  const bytes = new Uint8Array(HEADER_BYTES);
  new TextEncoder().encodeInto(text, bytes);
  return bytes;
}

/** @returns the header, or a clause that says what is wrong with the file */
export function decodeHeader(bytes: Uint8Array, sha256: (text: string) => string): PackedHeader | string {
  const [magic, sum, body] = new TextDecoder().decode(bytes).split("\n");
  if (magic !== MAGIC) return "it is no packed file of this version";
  if (body === undefined || sha256(body) !== sum) return "its header is damaged";
  // What Millet wrote itself, by its checksum.
  const { sums, ...rest } = JSON.parse(body) as Omit<PackedHeader, "sums"> & { readonly sums: string };
  return { ...rest, sums: Uint8Array.from(atob(sums), (char) => char.charCodeAt(0)) };
}

/** The header of an open packed file that is as long as it says, or a clause that says what is wrong with the file. */
export async function readHeader(
  file: FileHandle,
  sha256: (text: string) => string,
): Promise<PackedHeader | string> {
  const bytes = new Uint8Array(HEADER_BYTES);
  const { bytesRead } = await file.read(bytes, 0, HEADER_BYTES, 0);
  const header = decodeHeader(bytes.subarray(0, bytesRead), sha256);
  if (typeof header === "string") return header;
  const { size } = await file.stat();
  const wanted = HEADER_BYTES + header.byteLength;
  return size === wanted ? header : `it has ${size} bytes instead of ${wanted}`;
}

function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
