/**
 * Ids back to text. Bytes go through one UTF-8 decoder, so a character that spans tokens appears whole and
 * invalid bytes become U+FFFD; streaming and whole decoding are the same path.
 */
import { MilletError } from "../errors.js";
import { createUtf8Decoder } from "../platform/utf8.js";
import type { DecodeOptions, StreamDecoder } from "./types.js";

/** What decoding needs of a vocabulary. */
export interface PieceSource {
  /** Checked: throws INVALID_ARGUMENT for an id outside the vocabulary. */
  bytes(id: number): Uint8Array;
  isSpecial(id: number): boolean;
  /** `encode` put a space in front of the text. */
  readonly removesLeadingSpace: boolean;
}

const SPACE = 0x20;
const NO_BYTES = new Uint8Array(0);

export class Utf8StreamDecoder implements StreamDecoder {
  private readonly utf8 = createUtf8Decoder({ ignoreBOM: true });
  private atStart: boolean;
  private ended = false;

  constructor(
    private readonly pieces: PieceSource,
    private readonly options: DecodeOptions = {},
  ) {
    this.atStart = pieces.removesLeadingSpace && (options.atStart ?? true);
  }

  push(id: number): string {
    if (this.ended) {
      throw new MilletError(
        "INVALID_ARGUMENT",
        "This decoder has ended. Create another one for another text.",
      );
    }
    return this.decode(this.bytesOf(id));
  }

  /** The bytes that token `id` adds to the text, given the tokens before it. */
  bytesOf(id: number): Uint8Array {
    const bytes = this.pieces.bytes(id);
    if (this.pieces.isSpecial(id)) return this.options.skipSpecial ? NO_BYTES : bytes;
    if (!this.atStart) return bytes;
    this.atStart = false;
    return bytes[0] === SPACE ? bytes.subarray(1) : bytes;
  }

  /** The text that became complete with these bytes. */
  decode(bytes: Uint8Array): string {
    return this.utf8.decode(bytes, { stream: true });
  }

  end(): string {
    if (this.ended) return "";
    this.ended = true;
    return this.utf8.decode();
  }
}

const CHUNK_BYTES = 1 << 16;

/** Decodes all ids at once: as a stream decoder would, in large chunks. */
export function decodeAll(pieces: PieceSource, ids: ArrayLike<number>, options: DecodeOptions = {}): string {
  const decoder = new Utf8StreamDecoder(pieces, options);
  const chunk = new Uint8Array(CHUNK_BYTES);
  let text = "";
  let filled = 0;
  for (let i = 0; i < ids.length; i++) {
    const bytes = decoder.bytesOf(ids[i]!);
    if (filled + bytes.length > CHUNK_BYTES) {
      text += decoder.decode(chunk.subarray(0, filled));
      filled = 0;
    }
    if (bytes.length > CHUNK_BYTES) {
      text += decoder.decode(bytes);
    } else {
      chunk.set(bytes, filled);
      filled += bytes.length;
    }
  }
  return text + decoder.decode(chunk.subarray(0, filled)) + decoder.end();
}
