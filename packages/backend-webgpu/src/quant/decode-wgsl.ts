/** WGSL that the formats' decode functions share, and expressions that read a unit of a plane. */
import type { GpuFormat, PageView } from "./format.js";
import { levelBytes } from "./iq4-levels.js";

/** How `unpack_halves` works: "unpack" by the builtin, "integers" for devices where that flushes subnormal f16 to 0. */
export type HalfDecode = "unpack" | "integers";

const HALVES: Record<HalfDecode, string> = {
  unpack: `
fn unpack_halves(word: u32) -> vec2<f32> { return unpack2x16float(word); }`,
  // A subnormal is what its bits say as a normal of the smallest exponent, less 2^-14: exact, with no subnormal f32.
  integers: `
fn unpack_halves(word: u32) -> vec2<f32> {
  let half = vec2<u32>(word & 0xffffu, word >> 16u);
  let magnitude = half & vec2<u32>(0x7fffu);
  let subnormal = magnitude < vec2<u32>(0x400u);
  let biased = (magnitude << vec2<u32>(13u)) + select(vec2<u32>(0x38000000u), vec2<u32>(0x38800000u), subnormal);
  let value = bitcast<vec2<f32>>(biased) - select(vec2<f32>(0), vec2<f32>(0x1p-14f), subnormal);
  return select(value, -value, half > vec2<u32>(0x7fffu));
}`,
};

/** Types and functions that the decoding of these formats relies on. */
export function decodePrelude(halves: HalfDecode, formats: readonly GpuFormat[]): string {
  return `${formats.some(({ dtype }) => dtype.startsWith("iq4")) ? levelBytes() : ""}
struct Codes { low: vec4<u32>, high: vec4<u32> } // component r: row r, bytes of inputs 0..3 and 4..7
struct Scales { scale: vec4<f32>, offset: vec4<f32> }
struct Floats { low: mat4x4<f32>, high: mat4x4<f32> } // column r: row r, inputs 0..3 and 4..7
${HALVES[halves]}
fn four_halves(words: vec2<u32>) -> vec4<f32> {
  return vec4<f32>(unpack_halves(words.x), unpack_halves(words.y));
}
fn half_pairs(words: vec4<u32>) -> Scales { // scale in the low half, offset in the high one
  let a = unpack_halves(words.x);
  let b = unpack_halves(words.y);
  let c = unpack_halves(words.z);
  let d = unpack_halves(words.w);
  return Scales(vec4<f32>(a.x, b.x, c.x, d.x), vec4<f32>(a.y, b.y, c.y, d.y));
}
fn unsigned_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>((vec4<u32>(word) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
}
fn signed_bytes(word: u32) -> vec4<f32> {
  return vec4<f32>(bitcast<vec4<i32>>(vec4<u32>(word) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}
fn nibbles(words: vec4<u32>) -> Codes {
  return Codes(words & vec4<u32>(0x0f0f0f0fu), (words >> vec4<u32>(4u)) & vec4<u32>(0x0f0f0f0fu));
}`;
}

/** The functions of one page: those of the format, and `floats<suffix>` of codes, not yet scaled. */
export function decodeFunctions(format: GpuFormat, view: PageView): string {
  if (format.numbers === "floats") return format.decode(view);
  const bytes = `${format.numbers}_bytes`;
  const matrix = (words: string) =>
    `mat4x4<f32>(${["x", "y", "z", "w"].map((r) => `${bytes}(${words}.${r})`).join(", ")})`;
  return `${format.decode(view)}
fn floats${view.suffix}(planes: vec4<u32>, group: u32, chunk: u32) -> Floats {
  let codes = codes${view.suffix}(planes, group, chunk);
  return Floats(${matrix("codes.low")}, ${matrix("codes.high")});
}`;
}

/** Function `weights<suffix>` -> Floats: the weights themselves. */
export function weightsFunction({ numbers, hasOffset }: GpuFormat, { suffix }: PageView): string {
  const scaled = (part: string) =>
    ["x", "y", "z", "w"]
      .map((r, i) => `floats.${part}[${i}] * scales.scale.${r}${hasOffset ? ` + scales.offset.${r}` : ""}`)
      .join(", ");
  const place = "(planes, group, chunk)";
  return `
fn weights${suffix}(${PLACE}) -> Floats {
  let floats = floats${suffix}${place};
  ${numbers === "floats" ? "return floats;" : `let scales = scales${suffix}${place};\n  return Floats(mat4x4<f32>(${scaled("low")}), mat4x4<f32>(${scaled("high")}));`}
}`;
}

/** The parameters of all decode functions. */
export const PLACE = "planes: vec4<u32>, group: u32, chunk: u32";

/** The 4 words of a unit of a plane of words, as vec4<u32>. */
export function wordsAt(format: GpuFormat, view: PageView, plane: number, unit: string): string {
  return `${view.page}[planes[${plane}] + group * ${format.planes[plane]!.units(view.columns)}u + ${unit}]`;
}

/** Statement `let <name>`: the 4 halves of a unit of a plane of halves, as vec4<f32>. */
export function letHalves(
  name: string,
  format: GpuFormat,
  view: PageView,
  plane: number,
  unit: string,
): string {
  return `let ${name}_at = group * ${format.planes[plane]!.units(view.columns)}u + ${unit};
  let ${name}_pair = ${view.page}[planes[${plane}] + (${name}_at >> 1u)];
  let ${name} = four_halves(select(${name}_pair.xy, ${name}_pair.zw, (${name}_at & 1u) == 1u));`;
}

/** Statement `let <name>`: the 4 bytes of a unit of a plane of bytes, as u32. */
export function letBytes(
  name: string,
  format: GpuFormat,
  view: PageView,
  plane: number,
  unit: string,
): string {
  return `let ${name}_at = group * ${format.planes[plane]!.units(view.columns)}u + ${unit};
  let ${name} = ${view.page}[planes[${plane}] + (${name}_at >> 2u)][${name}_at & 3u];`;
}

/** Statements that return the Codes of nibbles and of one bit above them; both planes as pack-wgsl.ts says. */
export function fifthBits(nibbles: string, bits: string): string {
  return `let low_bits = nibbles(${nibbles});
  let bits = ${bits} >> vec4<u32>(2u * (chunk & 3u));
  return Codes(low_bits.low | ((bits & vec4<u32>(0x01010101u)) << vec4<u32>(4u)),
    low_bits.high | ((bits & vec4<u32>(0x02020202u)) << vec4<u32>(3u)));`;
}
