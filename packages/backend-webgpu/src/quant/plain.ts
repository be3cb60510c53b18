/**
 * What f16, bf16 and f32 share on the GPU: one plane, a row's words side by side, rows filled up with zeros to whole
 * chunks of 8 inputs (1.00 of the file's bytes where K is a multiple of 8).
 */
import { PLACE } from "./decode-wgsl.js";
import { chunksOf, type GpuFormat, type PageView, type WeightDType } from "./format.js";

/**
 * @param words 32-bit words of a chunk
 * @param value WGSL of a word of a row from raw bytes; `valid(k)` is whether the row has input k
 * @param decode WGSL expressions of inputs 0..3 and 4..7 as vec4<f32>, of the index of the chunk's first vec4<u32>
 */
export function plainFormat(
  dtype: WeightDType,
  words: number,
  value: string,
  raw: string,
  decode: (page: string, at: string) => readonly [string, string],
): GpuFormat {
  return {
    dtype,
    numbers: "floats",
    hasOffset: false,
    planes: [{ kind: "rows", units: (columns) => chunksOf(columns) * words, value }],
    raw,
    decode: ({ suffix, page, columns }: PageView) => {
      const vectors = (chunksOf(columns) * words) / 4;
      const rows = [0, 1, 2, 3].map((r) => decode(page, `at + ${r * vectors}u`));
      return `
fn floats${suffix}(${PLACE}) -> Floats {
  let at = planes.x + group * ${4 * vectors}u + chunk * ${words / 4}u;
  return Floats(
    mat4x4<f32>(${rows.map(([low]) => low).join(", ")}),
    mat4x4<f32>(${rows.map(([, high]) => high).join(", ")}));
}`;
    },
  };
}

/** Word of two 16-bit numbers, 0 past the row's end. */
export const TWO_HALVES = `
fn half_or_zero(row: u32, k: u32) -> u32 { if (k < COLUMNS) { return half_at(row + 2u * k); } return 0u; }`;
export const TWO_HALVES_VALUE = "half_or_zero(row, 2u * unit) | (half_or_zero(row, 2u * unit + 1u) << 16u)";
