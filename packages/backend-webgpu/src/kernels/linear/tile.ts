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
import { activeRows } from "../rows.js";
import { kernelOf, MOST_WORKGROUPS } from "../wgsl.js";
import { type Batch, batchesOf, type Segment, segmentParams, segmentsOf, weightBytesOf } from "./segments.js";
import { bindingsOf, chooseSegment, decodeSource, finishFunction, rowCount, xFunctions } from "./source.js";
import { loadWeightTile, withoutNorm } from "./tile-source.js";

/** Outputs of a tile: 16 groups of 4; for swiglu 8 groups of either weight. */
const TILE_OUTPUTS = 64;
/** Inputs of a step: 4 chunks. */
const STEP = 32;
const THREADS = 64;

export interface TileVariant {
  readonly name: string;
  readonly halves: HalfDecode;
}

export function lowerLinearTile(spec: LinearSpec, workspace: Workspace, variant: TileVariant): Dispatch[] {
  const { dispatches, spec: plain } = withoutNorm(spec, workspace);
  const tileRows = plain.y.rows <= 32 ? 32 : 64;
  const columns = plain.x.width;
  const products = batchesOf(segmentsOf(plain), 0, undefined).map((batch): Dispatch => {
    const tiles = batch.segments.map((segment) => tilesOf(segment));
    const total = tiles.reduce((sum, count) => sum + count, 0);
    const { bindings, operands } = bindingsOf(plain, batch);
    const names = new Set(batch.segments.flatMap(({ weights }) => weights.map(({ format }) => format.dtype)));
    return {
      kernel: kernelOf(
        `linear_tile.${[...names].join("+")}.${variant.name}`,
        bindings,
        source(plain, workspace, variant, batch, tiles, tileRows),
      ),
      label: plain.label,
      operands,
      params: batch.segments.flatMap((segment) => segmentParams(segment, columns)),
      grid: (size) => [
        Math.min(total, MOST_WORKGROUPS),
        Math.ceil(total / MOST_WORKGROUPS),
        Math.ceil(activeRows(plain.y, size) / tileRows),
      ],
      weightBytes: weightBytesOf(batch.segments, columns),
    };
  });
  return [...dispatches, ...products];
}

/** Tiles of a segment. */
function tilesOf({ rows, weights }: Segment): number {
  return Math.ceil(rows / (TILE_OUTPUTS / weights.length));
}

function source(
  spec: LinearSpec,
  workspace: Workspace,
  variant: TileVariant,
  batch: Batch,
  tiles: readonly number[],
  tileRows: number,
): string {
  const columns = spec.x.width;
  const chunks = chunksOf(columns);
  const halves = Array.from({ length: tileRows / 32 }, (_, a) => a);
  const members = [0, 1, 2, 3];
  const each = (text: (a: number, i: number) => string) =>
    halves.map((a) => members.map((i) => text(a, i)).join("\n  ")).join("\n  ");
  const quads = tileRows / 4;
  const loadX = (a: number) => {
    const rows = members.map((i) => `x_quad(base_${a}_${i}, quad)`).join(", ");
    const value = `transpose(mat4x4<f32>(${rows}))`;
    return `let x_${a} = ${chunks % 4 === 0 ? value : `select_tile(${value}, quad < ${2 * chunks}u)`};`;
  };
  return `${decodeSource(batch, columns, variant.halves, weightsFunction)}
${xFunctions(spec)}
${finishFunction(spec, batch)}
fn select_tile(tile: mat4x4<f32>, inside: bool) -> mat4x4<f32> {
  if (inside) { return tile; }
  return mat4x4<f32>();
}
${finishEight(batch)}
var<workgroup> x_tile: array<vec4<f32>, ${STEP * quads}>; // [input][4 rows]
var<workgroup> w_tile: array<vec4<f32>, ${STEP * 16}>; // [input][group of 4 outputs]
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let unit = workgroup.x + workgroup.y * ${MOST_WORKGROUPS}u;
  let first_row = workgroup.z * ${tileRows}u;
  let active_rows = ${rowCount(spec, workspace)};
  if (unit >= ${tiles.reduce((sum, count) => sum + count, 0)}u || first_row >= active_rows) { return; }
  ${chooseSegment(batch, tiles, 0)}
  let across = lane & 7u;
  let down = lane >> 3u;
  let slot = lane >> 2u;
  ${each((a, i) => `let base_${a}_${i} = x_base(min(first_row + (down + ${8 * a}u) * 4u + ${i}u, active_rows - 1u));`)}
  ${each((a, i) => `var sum_${a}_${i}_0 = vec4<f32>(0); var sum_${a}_${i}_1 = vec4<f32>(0);`)}
  for (var step = 0u; step < ${Math.ceil(chunks / 4)}u; step++) {
    let quad = step * 8u + across;
    ${halves.map(loadX).join("\n    ")}
    let chunk = step * 4u + (lane & 3u);
    var weights: Floats;
    ${loadWeightTile(batch, chunks)}
    let low = transpose(weights.low);
    let high = transpose(weights.high);
    workgroupBarrier();
    for (var i = 0u; i < 4u; i++) {
      ${halves.map((a) => `x_tile[(across * 4u + i) * ${quads}u + down + ${8 * a}u] = x_${a}[i];`).join("\n      ")}
      w_tile[((lane & 3u) * 8u + i) * 16u + slot] = low[i];
      w_tile[((lane & 3u) * 8u + 4u + i) * 16u + slot] = high[i];
    }
    workgroupBarrier();
    for (var k = 0u; k < ${STEP}u; k++) {
      let w_0 = w_tile[k * 16u + across];
      let w_1 = w_tile[k * 16u + 8u + across];
      ${halves.map((a) => `let rows_${a} = x_tile[k * ${quads}u + down + ${8 * a}u];`).join("\n      ")}
      ${each((a, i) => `sum_${a}_${i}_0 += rows_${a}[${i}] * w_0; sum_${a}_${i}_1 += rows_${a}[${i}] * w_1;`)}
    }
  }
  ${each((a, i) => `finish_eight(first_row + (down + ${8 * a}u) * 4u + ${i}u, active_rows, local, across, rows, sum_${a}_${i}_0, sum_${a}_${i}_1, segment, biases, column);`)}
}`;
}

/** Writes the 8 sums of an invocation and row: two groups of a weight, or one group of either of swiglu's. */
function finishEight(batch: Batch): string {
  const two = batch.segments[0]!.weights.length === 2;
  const first = two ? `local * ${TILE_OUTPUTS / 2}u + 4u * across` : `local * ${TILE_OUTPUTS}u + 4u * across`;
  const write = two
    ? "if (n < rows) { finish(row, n, sum_0[i], sum_1[i], segment, biases, column); }"
    : `if (n < rows) { finish(row, n, sum_0[i], 0, segment, biases, column); }
    if (n + 32u < rows) { finish(row, n + 32u, sum_1[i], 0, segment, biases, column); }`;
  return `
fn finish_eight(row: u32, active_rows: u32, local: u32, across: u32, rows: u32, sum_0: vec4<f32>, sum_1: vec4<f32>,
    segment: u32, biases: vec4<u32>, column: u32) {
  if (row >= active_rows) { return; }
  for (var i = 0u; i < 4u; i++) {
    let n = ${first} + i;
    ${write}
  }
}`;
}
