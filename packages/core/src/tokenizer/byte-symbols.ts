/**
 * GPT-2's byte alphabet: one printable character for each byte, so that vocabularies are plain text
 * (Radford et al. 2019). Printable Latin-1 bytes stand for themselves, the others for U+0100 onwards.
 */

function isPrintable(byte: number): boolean {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/** The character of each byte. // [256] */
export const BYTE_SYMBOLS: readonly string[] = (() => {
  let next = 0x100;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(isPrintable(byte) ? byte : next++));
})();

const BYTE_OF_SYMBOL = new Int16Array(0x200).fill(-1);
for (const [byte, symbol] of BYTE_SYMBOLS.entries()) BYTE_OF_SYMBOL[symbol.charCodeAt(0)] = byte;

/** `bytes` written in the byte alphabet. */
export function bytesToSymbols(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += BYTE_SYMBOLS[byte]!;
  return text;
}

/** The bytes that `text` spells in the byte alphabet, or undefined if it uses other characters. */
export function symbolsToBytes(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const byte = code < BYTE_OF_SYMBOL.length ? BYTE_OF_SYMBOL[code]! : -1;
    if (byte < 0) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}
