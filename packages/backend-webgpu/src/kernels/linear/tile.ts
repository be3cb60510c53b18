/**
 * linear for many rows: a workgroup of 64 makes a tile of 64 outputs for 32 or 64 rows. In steps of 32 inputs it decodes
 * the weights once into workgroup memory; each invocation then keeps 8 outputs of 4 or 8 rows in registers.
 * Discrete GPUs are bound by multiply-adds here: 64 of them follow 4 loads of 16 bytes. Integrated ones and Apple's want
 * small workgroups with little shared memory: 16 KB at most, no more than two barriers a step.
 */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { type HalfDecode, weightsFunction } from "../../quant/decode-wgsl.js";
import { chunksOf } from "../../quant/format.js";
import { decodeSource, xFunctions } from "./source.js";
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

/** Inputs of a step: 4 chunks. */
const STEP = 32;

/** How a tile is kept; products and sums are f32 in any case. */
export interface TileForm {
  readonly name: string;
  readonly halves: HalfDecode;
  /** f16 takes half of the workgroup memory, rounds weights and rows, and cuts rows off at its largest number. */
  readonly element: "f32" | "f16";
}

export function lowerLinearTile(spec: LinearSpec, workspace: Workspace, form: TileForm): Dispatch[] {
  const { dispatches, spec: plain } = withoutNorm(spec, workspace);
  const extensions = form.element === "f16" ? ["f16"] : [];
  const products = lowerTiles(plain, workspace, form.name, (tile) => source(tile, form), { extensions });
  return [...dispatches, ...products];
}

const LARGEST_F16 = 65504;

function source(tile: Tile, { halves, element }: TileForm): string {
  const four = `vec4<${element}>`;
  const put = (value: string) =>
    element === "f32"
      ? value
      : `${four}(clamp(${value}, vec4<f32>(-${LARGEST_F16}), vec4<f32>(${LARGEST_F16})))`;
  const get = (value: string) => (element === "f32" ? value : `vec4<f32>(${value})`);
  const { spec, batch, each } = tile;
  const columns = spec.x.width;
  const chunks = chunksOf(columns);
  const quads = tile.rows / 4;
  const loadX = (a: number) => {
    const rows = [0, 1, 2, 3].map((i) => `x_quad(base_${a}_${i}, quad)`).join(", ");
    const value = `transpose(mat4x4<f32>(${rows}))`;
    return `let x_${a} = ${chunks % 4 === 0 ? value : `select_tile(${value}, quad < ${2 * chunks}u)`};`;
  };
  // Unrolled here: a compiler that does not would put the matrices into memory to index them.
  const storeInput = (i: number) =>
    [
      ...halvesOfRows.map(
        (a) => `x_tile[(across * 4u + ${i}u) * ${quads}u + down + ${8 * a}u] = ${put(`x_${a}[${i}]`)};`,
      ),
      `w_tile[((lane & 3u) * 8u + ${i}u) * 16u + slot] = ${put(`low[${i}]`)};`,
      `w_tile[((lane & 3u) * 8u + ${4 + i}u) * 16u + slot] = ${put(`high[${i}]`)};`,
    ].join("\n    ");
  const halvesOfRows = [0, 1].slice(0, tile.rows / 32);
  return `${decodeSource(batch, columns, halves, weightsFunction)}
${xFunctions(spec)}
${tileFunctions(tile)}
fn select_tile(tile: mat4x4<f32>, inside: bool) -> mat4x4<f32> {
  if (inside) { return tile; }
  return mat4x4<f32>();
}
var<workgroup> x_tile: array<${four}, ${STEP * quads}>; // [input][4 rows]
var<workgroup> w_tile: array<${four}, ${STEP * 16}>; // [input][group of 4 outputs]
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  ${openTile(tile)}
  ${each((a, i) => `let base_${a}_${i} = x_base(min(first_row + (down + ${8 * a}u) * 4u + ${i}u, active_rows - 1u));`)}
  for (var step = 0u; step < ${Math.ceil(chunks / 4)}u; step++) {
    let quad = step * 8u + across;
    ${halvesOfRows.map(loadX).join("\n    ")}
    let chunk = step * 4u + (lane & 3u);
    var weights: Floats;
    ${loadWeightTile(batch, chunks, (suffix, place) => `weights = weights${suffix}${place};`)}
    let low = transpose(weights.low);
    let high = transpose(weights.high);
    workgroupBarrier();
    ${[0, 1, 2, 3].map(storeInput).join("\n    ")}
    workgroupBarrier();
    for (var k = 0u; k < ${STEP}u; k++) {
      let w_0 = ${get("w_tile[k * 16u + across]")};
      let w_1 = ${get("w_tile[k * 16u + 8u + across]")};
      ${halvesOfRows.map((a) => `let rows_${a} = ${get(`x_tile[k * ${quads}u + down + ${8 * a}u]`)};`).join("\n      ")}
      ${each((a, i) => `sum_${a}_${i}_0 += rows_${a}[${i}] * w_0; sum_${a}_${i}_1 += rows_${a}[${i}] * w_1;`)}
    }
  }
  ${finishTile(tile)}
}`;
}
