/**
 * Nibbles of iq4_nl and iq4_xs become the levels they stand for, as signed bytes. Four words hold
 * them all, so that a level is a choice and a shift, and not a load from a table.
 */
import { QUANT_FORMATS } from "@millet/core/quant";

/** The 16 levels, from core's decoder: a block of scale 1 with codes 0 .. 15 in its low nibbles. */
function levels(): number[] {
  const block = Uint8Array.of(0x00, 0x3c, ...Array.from({ length: 16 }, (_, code) => code));
  const values = new Float32Array(32);
  QUANT_FORMATS.iq4_nl.decode(block, values);
  return [...values.subarray(0, 16)];
}

/** Function `level_bytes` of 4 codes in 4 bytes, for 4 rows. */
export function levelBytes(): string {
  const words = [0, 4, 8, 12].map((first) => {
    const bytes = levels().slice(first, first + 4);
    return bytes.reduce((word, level, i) => (word | ((level & 255) << (8 * i))) >>> 0, 0);
  });
  const [a, b, c, d] = words.map((word) => `0x${word.toString(16).padStart(8, "0")}u`);
  return `
fn level_byte(code: u32) -> u32 {
  let low = select(${a}, ${b}, (code & 4u) != 0u);
  let high = select(${c}, ${d}, (code & 4u) != 0u);
  return (select(low, high, (code & 8u) != 0u) >> (8u * (code & 3u))) & 255u;
}
fn level_word(codes: u32) -> u32 {
  return level_byte(codes) | (level_byte(codes >> 8u) << 8u) | (level_byte(codes >> 16u) << 16u) | (level_byte(codes >> 24u) << 24u);
}
fn levels(codes: vec4<u32>) -> vec4<u32> {
  return vec4<u32>(level_word(codes.x), level_word(codes.y), level_word(codes.z), level_word(codes.w));
}`;
}
