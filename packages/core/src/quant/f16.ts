/**
 * f16: IEEE 754 binary16, little endian, with subnormals, infinities and NaN.
 * Also the scalar conversions that the block formats use for their scales.
 */
import type { QuantFormat } from "./format.js";

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

let decoded: Float32Array | undefined;

/** The value of each of the 65,536 bit patterns; made on first use. */
export function f16Table(): Float32Array {
  decoded ??= makeTable();
  return decoded;
}

function makeTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let half = 0; half < 65536; half++) {
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    const magnitude =
      exponent === 0
        ? fraction * 2 ** -24
        : exponent === 31
          ? fraction === 0
            ? Number.POSITIVE_INFINITY
            : Number.NaN
          : (1024 + fraction) * 2 ** (exponent - 25);
    table[half] = half & 0x8000 ? -magnitude : magnitude;
  }
  return table;
}

/** The value of an f16 bit pattern. */
export function f16ToNumber(half: number): number {
  return f16Table()[half]!;
}

/** The f16 bit pattern nearest to `value`, ties to even; overflow gives infinity, NaN stays a (quiet) NaN. */
export function numberToF16(value: number): number {
  float[0] = value;
  return f16FromF32Bits(bits[0]!);
}

/** Writes `value` as f16, little endian. */
export function writeF16(bytes: Uint8Array, at: number, value: number): void {
  const half = numberToF16(value);
  bytes[at] = half;
  bytes[at + 1] = half >>> 8;
}

/** Rounds the bit pattern of an f32 to that of an f16. */
function f16FromF32Bits(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00 | ((magnitude >>> 13) & 0x3ff);
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and above
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent; a carry out of the fraction correctly steps into the exponent, up to infinity.
    return sign | roundShift(magnitude - 0x38000000, 13);
  }
  if (magnitude < 0x33000000) return sign; // below half of the smallest subnormal
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  return sign | roundShift(fraction, 126 - (magnitude >>> 23));
}

/** `value >> shift`, rounded to nearest, ties to even. */
function roundShift(value: number, shift: number): number {
  const kept = value >>> shift;
  const rest = value - kept * 2 ** shift;
  const half = 2 ** (shift - 1);
  return rest > half || (rest === half && kept & 1) ? kept + 1 : kept;
}

export const f16: QuantFormat = {
  dtype: "f16",
  blockElements: 1,
  blockBytes: 2,
  layout: [{ name: "value", byteOffset: 0, byteLength: 2, content: "binary16" }],
  decode(bytes, values) {
    const table = f16Table();
    if (bytes.byteOffset % 2 === 0) {
      const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, values.length);
      for (let i = 0; i < values.length; i++) values[i] = table[halves[i]!]!;
    } else {
      for (let i = 0; i < values.length; i++) values[i] = table[bytes[2 * i]! | (bytes[2 * i + 1]! << 8)]!;
    }
  },
  encode(values, bytes) {
    const words = new Uint32Array(values.buffer, values.byteOffset, values.length);
    for (let i = 0; i < words.length; i++) {
      const half = f16FromF32Bits(words[i]!);
      bytes[2 * i] = half;
      bytes[2 * i + 1] = half >>> 8;
    }
  },
};
