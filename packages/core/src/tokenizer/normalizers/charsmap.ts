/**
 * SentencePiece's precompiled rules of normalization: a trie of UTF-8 strings in a double array (Darts), whose values
 * are offsets into a block of replacements, each ended by a zero byte. The file's numbers are never trusted: every look
 * into an array is checked.
 */
import { createUtf8Decoder } from "../../platform/utf8.js";
import { badVocabulary } from "../vocabulary.js";

const utf8 = createUtf8Decoder({ ignoreBOM: true });
const encoder = new TextEncoder();

/** Of the rules that begin at a place, `length` counts the bytes that one takes. */
export interface CharsmapMatch {
  readonly length: number;
  readonly replacement: string;
}

export class Charsmap {
  /** Bits 0-7 and 31: the byte that leads here. Bit 8: a value follows. Bit 9 and 10-30: where children are. */
  private readonly units: Uint32Array;
  private readonly replacements: Uint8Array;
  private readonly texts = new Map<number, string>();

  /**
   * @param data byte length of the trie as a little-endian 32-bit integer, the trie, the replacements
   * @throws MilletError TOKENIZER_BAD_VOCABULARY
   */
  constructor(data: Uint8Array) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const trieBytes = data.length >= 4 ? view.getUint32(0, true) : 0;
    if (trieBytes < 4 || trieBytes % 4 !== 0 || trieBytes + 4 > data.length) {
      throw badVocabulary(
        `The normalization rules claim a trie of ${trieBytes} of their ${data.length} bytes.`,
      );
    }
    this.units = new Uint32Array(trieBytes / 4);
    for (let i = 0; i < this.units.length; i++) this.units[i] = view.getUint32(4 + i * 4, true);
    this.replacements = data.subarray(4 + trieBytes);
  }

  /** The shortest or the longest rule that begins `text`, or undefined. */
  match(text: string, wanted: "shortest" | "longest"): CharsmapMatch | undefined {
    const bytes = encoder.encode(text);
    let found: CharsmapMatch | undefined;
    let at = this.childrenOf(0, 0);
    for (let i = 0; i < bytes.length && bytes[i] !== 0; i++) {
      at = (at ^ bytes[i]!) >>> 0;
      const unit = this.units[at];
      if (unit === undefined || (unit & 0x800000ff) >>> 0 !== bytes[i]) break;
      at = this.childrenOf(at, at);
      if ((unit & 0x100) === 0) continue;
      const value = (this.units[at] ?? 0) & 0x7fffffff;
      found = { length: i + 1, replacement: this.text(value) };
      if (wanted === "shortest") break;
    }
    return found;
  }

  private childrenOf(node: number, at: number): number {
    const unit = this.units[node] ?? 0;
    return (at ^ ((unit >>> 10) << ((unit & 0x200) >>> 6))) >>> 0;
  }

  private text(offset: number): string {
    let text = this.texts.get(offset);
    if (text === undefined) {
      const end = this.replacements.indexOf(0, offset);
      text = utf8.decode(this.replacements.subarray(offset, end < 0 ? undefined : end));
      this.texts.set(offset, text);
    }
    return text;
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** @throws MilletError TOKENIZER_BAD_VOCABULARY */
export function charsmapOfBase64(text: string): Charsmap {
  if (!BASE64.test(text))
    throw badVocabulary("The normalization rules (precompiled_charsmap) are not base64.");
  return new Charsmap(Uint8Array.from(atob(text), (character) => character.charCodeAt(0)));
}
