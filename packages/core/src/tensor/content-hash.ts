/** A short hash of bytes, to tell contents apart; no defence against anybody. */

/**
 * 64 bits: two lanes of xor, multiply and shift (as in MurmurHash's finalizer) over 32-bit words and then the last bytes.
 * Tells different contents apart unless somebody wants them to look alike.
 */
export function contentHash(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let a = ~bytes.byteLength;
  let b = bytes.byteLength;
  const whole = bytes.byteLength & ~3;
  // One loop without a closure: a header is hashed while a cold process waits.
  for (let at = 0; at < bytes.byteLength; at += at < whole ? 4 : 1) {
    const word = at < whole ? view.getUint32(at, true) : bytes[at]!;
    a = Math.imul(a ^ word ^ (a >>> 16), 0x85ebca6b);
    b = Math.imul(b ^ word ^ (b >>> 13), 0xc2b2ae35);
  }
  const hex = (lane: number) => (lane >>> 0).toString(16).padStart(8, "0");
  return hex(a) + hex(b);
}
