/**
 * UTF-8 to text: the platform's TextDecoder, or where there is none, as in Hermes, the decoder of the Encoding Standard
 * (WHATWG, "UTF-8 decoder") written out. Encoders are everywhere.
 */

export interface Utf8Decoder {
  /**
   * With `stream`, an unfinished character at the end waits for the next call. Malformed bytes become U+FFFD.
   * @throws TypeError for malformed bytes if the decoder is `fatal`
   */
  decode(bytes?: Uint8Array, options?: { readonly stream?: boolean }): string;
}

export interface Utf8Options {
  readonly fatal?: boolean;
  /** true: a byte order mark is a character like any other. */
  readonly ignoreBOM?: boolean;
}

export function createUtf8Decoder(options: Utf8Options = {}): Utf8Decoder {
  return typeof TextDecoder === "undefined" ? new OwnUtf8Decoder(options) : new TextDecoder("utf-8", options);
}

/** Characters that are put together at a time: engines limit the number of arguments. */
const PIECE = 4096;
const MALFORMED = 0xfffd;
const BYTE_ORDER_MARK = 0xfeff;

export class OwnUtf8Decoder implements Utf8Decoder {
  readonly #fatal: boolean;
  readonly #keepsMark: boolean;
  #atStart = true;
  /** The character that has begun, how many bytes it still needs, and between which values the next one lies. */
  #point = 0;
  #needed = 0;
  #low = 0x80;
  #high = 0xbf;

  constructor({ fatal = false, ignoreBOM = false }: Utf8Options = {}) {
    this.#fatal = fatal;
    this.#keepsMark = ignoreBOM;
  }

  decode(
    bytes: Uint8Array = new Uint8Array(0),
    { stream = false }: { readonly stream?: boolean } = {},
  ): string {
    let text = "";
    let points: number[] = [];
    const emit = (point: number) => {
      if (this.#atStart && point === BYTE_ORDER_MARK && !this.#keepsMark) {
        this.#atStart = false;
        return;
      }
      this.#atStart = false;
      points.push(point);
      if (points.length < PIECE) return;
      text += String.fromCodePoint(...points);
      points = [];
    };
    for (let at = 0; at < bytes.length; ) at += this.#step(bytes[at]!, emit);
    if (!stream) {
      if (this.#needed > 0) this.#fail(emit);
      this.#atStart = true;
    }
    return text + String.fromCodePoint(...points);
  }

  /** @returns how many bytes it took: none where this one ends a character that is unfinished */
  #step(byte: number, emit: (point: number) => void): 0 | 1 {
    if (this.#needed === 0) {
      this.#begin(byte, emit);
      return 1;
    }
    if (byte < this.#low || byte > this.#high) {
      this.#fail(emit);
      return 0;
    }
    [this.#low, this.#high] = [0x80, 0xbf];
    this.#point = (this.#point << 6) | (byte & 0x3f);
    this.#needed--;
    if (this.#needed === 0) emit(this.#point);
    return 1;
  }

  #begin(byte: number, emit: (point: number) => void): void {
    if (byte < 0x80) emit(byte);
    else if (byte >= 0xc2 && byte <= 0xdf) this.#expect(1, byte & 0x1f);
    else if (byte >= 0xe0 && byte <= 0xef) {
      // No overlong forms, no surrogates.
      this.#expect(2, byte & 0x0f, byte === 0xe0 ? 0xa0 : 0x80, byte === 0xed ? 0x9f : 0xbf);
    } else if (byte >= 0xf0 && byte <= 0xf4) {
      this.#expect(3, byte & 0x07, byte === 0xf0 ? 0x90 : 0x80, byte === 0xf4 ? 0x8f : 0xbf);
    } else this.#fail(emit);
  }

  #expect(needed: number, point: number, low = 0x80, high = 0xbf): void {
    [this.#needed, this.#point, this.#low, this.#high] = [needed, point, low, high];
  }

  #fail(emit: (point: number) => void): void {
    this.#expect(0, 0);
    if (this.#fatal) {
      this.#atStart = true;
      throw new TypeError("The bytes are not valid UTF-8.");
    }
    emit(MALFORMED);
  }
}
