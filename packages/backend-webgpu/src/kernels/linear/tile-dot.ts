/**
 * linear for many rows by integer dot products of 4 bytes: x is quantized to int8 per 32 inputs by a dispatch before, the
 * weights stay the integers that they are. The tile is that of tile.ts, its steps are blocks of 32 inputs.
 * For GPUs with such an instruction (NVIDIA, AMD, Intel); elsewhere the driver takes it apart, and tile.ts is faster.
 */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import type { HalfDecode } from "../../quant/decode-wgsl.js";
import { gpuFormat } from "../../quant/index.js";
import { lowerQuantizeRows, type QuantizedRows, UNIT } from "./quantize-rows.js";
import { decodeSource } from "./source.js";
import {
  finishTile,
  loadWeightTile,
  lowerTiles,
  openTile,
  THREADS,
  type Tile,
  tileFunctions,
  withoutNorm,
} from "./tile-source.js";

/** Whether all weights of a spec consist of integers. */
export function canDot({ parts }: LinearSpec): boolean {
  return parts.every(({ weight }) => gpuFormat(weight.spec.dtype).numbers !== "floats");
}

/** @param spec one that {@link canDot} accepts */
export function lowerLinearTileDot(spec: LinearSpec, workspace: Workspace, halves: HalfDecode): Dispatch[] {
  const { dispatches, spec: plain } = withoutNorm(spec, workspace);
  const { quantized, dispatch } = lowerQuantizeRows(plain, workspace);
  const products = lowerTiles(plain, workspace, "packed-dot", (tile) => source(tile, quantized, halves), {
    input: {
      binding: { name: "units", element: "vec4<u32>", access: "read" },
      operand: { space: "scratch", slot: quantized.slot },
    },
  });
  return [...dispatches, dispatch, ...products];
}

function source(tile: Tile, { quads }: QuantizedRows, halves: HalfDecode): string {
  const { spec, batch } = tile;
  const columns = spec.x.width;
  const chunks = columns / 8;
  const tileQuads = tile.rows / 4;
  const fours = [0, 1].slice(0, tile.rows / 32);
  return `${decodeSource(batch, columns, halves)}
${tileFunctions(tile)}
var<workgroup> x_tile: array<vec4<u32>, ${8 * tileQuads}>; // [4 inputs][4 rows]
var<workgroup> x_scales: array<vec4<f32>, ${3 * tileQuads}>; // [scale, sums of 16 inputs][4 rows]
var<workgroup> w_tile: array<vec4<u32>, 128>; // [4 inputs][group of 4 outputs]
var<workgroup> w_scales: array<vec4<f32>, 32>; // [16 inputs][group]
var<workgroup> w_offsets: array<vec4<f32>, 32>;
fn dot_four(x: u32, w: vec4<u32>) -> vec4<i32> {
  return vec4<i32>(dot4I8Packed(x, w.x), dot4I8Packed(x, w.y), dot4I8Packed(x, w.z), dot4I8Packed(x, w.w));
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  ${openTile(tile)}
  let first_quad = first_row / 4u;
  for (var step = 0u; step < ${chunks / 4}u; step++) {
    let chunk = step * 4u + (lane & 3u);
    var codes: Codes;
    var scales: Scales;
    ${loadWeightTile(batch, chunks, (suffix, place) => `codes = codes${suffix}${place}; scales = scales${suffix}${place};`)}
    workgroupBarrier();
    for (var i = lane; i < ${11 * tileQuads}u; i += ${THREADS}u) {
      let quad = i % ${tileQuads}u;
      let part = i / ${tileQuads}u;
      let value = units[(step * ${quads}u + min(first_quad + quad, ${quads - 1}u)) * ${UNIT}u + part];
      if (part < 8u) { x_tile[part * ${tileQuads}u + quad] = value; }
      else { x_scales[(part - 8u) * ${tileQuads}u + quad] = bitcast<vec4<f32>>(value); }
    }
    w_tile[(lane & 3u) * 32u + slot] = codes.low;
    w_tile[(lane & 3u) * 32u + 16u + slot] = codes.high;
    if ((lane & 1u) == 0u) {
      w_scales[((lane >> 1u) & 1u) * 16u + slot] = scales.scale;
      w_offsets[((lane >> 1u) & 1u) * 16u + slot] = scales.offset;
    }
    workgroupBarrier();
    for (var half = 0u; half < 2u; half++) {
      let scale_0 = w_scales[half * 16u + across];
      let scale_1 = w_scales[half * 16u + 8u + across];
      let offset_0 = w_offsets[half * 16u + across];
      let offset_1 = w_offsets[half * 16u + 8u + across];
      ${fours.map((a) => products(a, tileQuads)).join("\n      ")}
    }
  }
  ${finishTile(tile)}
}`;
}

/** The products of 16 inputs for the a-th four rows. */
function products(a: number, tileQuads: number): string {
  const rows = [0, 1, 2, 3];
  const at = `down + ${8 * a}u`;
  return `{
        ${rows.map((i) => `var dot_${i}_0 = vec4<i32>(0); var dot_${i}_1 = vec4<i32>(0);`).join(" ")}
        for (var k = half * 4u; k < half * 4u + 4u; k++) {
          let x = x_tile[k * ${tileQuads}u + ${at}];
          let w_0 = w_tile[k * 16u + across];
          let w_1 = w_tile[k * 16u + 8u + across];
          ${rows.map((i) => `dot_${i}_0 += dot_four(x[${i}], w_0); dot_${i}_1 += dot_four(x[${i}], w_1);`).join("\n          ")}
        }
        let scale = x_scales[${at}];
        let sum = x_scales[(1u + half) * ${tileQuads}u + ${at}];
        ${rows
          .flatMap((i) =>
            [0, 1].map(
              (b) =>
                `sum_${a}_${i}_${b} += scale_${b} * scale[${i}] * vec4<f32>(dot_${i}_${b}) + offset_${b} * sum[${i}];`,
            ),
          )
          .join("\n        ")}
      }`;
}
