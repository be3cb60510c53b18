/**
 * What the kernels for many rows share. A workgroup makes a tile of 64 outputs, 16 groups of 4 (for a gate 8 groups of
 * either weight), for 32 or 64 rows. Its invocation (across, down) owns groups `across` and `across + 8` and the 4 rows
 * from 4 down and, of 64 rows, the 4 from 32 + 4 down: `sum_<a>_<i>_<b>` is row i of the a-th four and its b-th group.
 */
import { strideOf } from "../../lower/matrix.js";
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch, Operand } from "../../program/dispatch.js";
import { lowerNorm } from "../norm.js";
import { activeRows } from "../rows.js";
import { type Binding, kernelOf, MOST_WORKGROUPS } from "../wgsl.js";
import { type Batch, batchesOf, type Segment, segmentParams, segmentsOf, weightBytesOf } from "./segments.js";
import { bindingsOf, chooseSegment, finishFunction, perSegment, rowCount, suffixOf } from "./source.js";

const TILE_OUTPUTS = 64;
export const THREADS = 64;

/** What the source of a kernel is made of. */
export interface Tile {
  readonly spec: LinearSpec;
  readonly workspace: Workspace;
  readonly batch: Batch;
  /** Tiles of each segment. */
  readonly tiles: readonly number[];
  /** 32 or 64. */
  readonly rows: number;
  /** The text for each of an invocation's rows. */
  each(text: (a: number, i: number) => string): string;
}

/** Rows are read by many tiles, so a norm is computed once, before: the spec that is left, and that dispatch. */
export function withoutNorm(
  spec: LinearSpec,
  workspace: Workspace,
): { readonly spec: LinearSpec; readonly dispatches: readonly Dispatch[] } {
  const { norm, x, y, gather, label } = spec;
  if (!norm) return { spec, dispatches: [] };
  const stride = strideOf(x.width);
  const slot = workspace.temporary(4 * stride * y.rows);
  const normed = { slot, offset: 0, stride, width: x.width, rows: y.rows, axis: y.axis };
  const part = { x, weight: norm.weight, groups: 1, y: normed };
  const one = { label, op: "rms_norm", epsilon: norm.epsilon, parts: [part], gather } as const;
  const dispatch = lowerNorm(one, workspace);
  return { spec: { ...spec, x: normed, norm: undefined, gather: undefined }, dispatches: [dispatch] };
}

/** The rows of a tile: few rows should not fill large tiles with nothing. */
export function tileRowsOf({ y }: LinearSpec): number {
  return y.rows <= 32 ? 32 : 64;
}

export interface TileOptions {
  /** Bound in place of x. */
  readonly input?: { readonly binding: Binding; readonly operand: Operand };
  /** Extensions of WGSL that the source needs. */
  readonly extensions?: readonly string[];
}

/** The products of a spec without norm, with kernels of the given source. */
export function lowerTiles(
  spec: LinearSpec,
  workspace: Workspace,
  variant: string,
  source: (tile: Tile) => string,
  { input, extensions = [] }: TileOptions = {},
): Dispatch[] {
  const rows = tileRowsOf(spec);
  const each: Tile["each"] = (text) =>
    Array.from({ length: rows / 8 }, (_, r) => text(r >> 2, r & 3)).join("\n  ");
  return batchesOf(segmentsOf(spec), 0, undefined).map((batch): Dispatch => {
    const tiles = batch.segments.map(tilesOf);
    const total = sum(tiles);
    const { bindings, operands } = bindingsOf(spec, batch, input);
    const names = new Set(batch.segments.flatMap(({ weights }) => weights.map(({ format }) => format.dtype)));
    const text = source({ spec, workspace, batch, tiles, rows, each });
    return {
      kernel: kernelOf(`linear_tile.${[...names].join("+")}.${variant}`, bindings, text, extensions),
      label: spec.label,
      operands,
      params: batch.segments.flatMap((segment) => segmentParams(segment, spec.x.width)),
      grid: (size) => [
        Math.min(total, MOST_WORKGROUPS),
        Math.ceil(total / MOST_WORKGROUPS),
        Math.ceil(activeRows(spec.y, size) / rows),
      ],
      weightBytes: weightBytesOf(batch.segments, spec.x.width),
    };
  });
}

/** Tiles of a segment. */
function tilesOf({ rows, weights }: Segment): number {
  return Math.ceil(rows / (TILE_OUTPUTS / weights.length));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Statements at the beginning of `main`: which tile, which invocation, sums of 0. */
export function openTile({ spec, workspace, batch, tiles, rows, each }: Tile): string {
  return `let unit = workgroup.x + workgroup.y * ${MOST_WORKGROUPS}u;
  let first_row = workgroup.z * ${rows}u;
  let active_rows = ${rowCount(spec, workspace)};
  if (unit >= ${sum(tiles)}u || first_row >= active_rows) { return; }
  ${chooseSegment(batch, tiles, 0)}
  let across = lane & 7u;
  let down = lane >> 3u;
  let slot = lane >> 2u;
  ${each((a, i) => `var sum_${a}_${i}_0 = vec4<f32>(0); var sum_${a}_${i}_1 = vec4<f32>(0);`)}`;
}

/**
 * Runs `body(suffix, place)` for group `slot` (0..15) of the tile and chunk `chunk`, unless that is past the end of K;
 * `place` are the arguments of decode functions. For a gate slots 0..7 are groups of the first weight, 8..15 of the second.
 */
export function loadWeightTile(
  batch: Batch,
  chunks: number,
  body: (suffix: string, place: string) => string,
): string {
  const load = perSegment(batch, (segment) => forSlot(batch, segment, body));
  return chunks % 4 === 0 ? load : `if (chunk < ${chunks}u) { ${load} }`;
}

function forSlot(batch: Batch, segment: Segment, body: (suffix: string, place: string) => string): string {
  const [first, second] = segment.weights.map((_, j) => suffixOf(batch, segment, j));
  const group = (index: string) => `min(${index}, (rows - 1u) / 4u)`;
  if (second === undefined) {
    return body(first!, `(planes_0, first_0 + ${group("local * 16u + slot")}, chunk)`);
  }
  const at = group("local * 8u + (slot & 7u)");
  if (first === second) {
    const planes = "select(planes_1, planes_0, slot < 8u)";
    return body(first!, `(${planes}, select(first_1, first_0, slot < 8u) + ${at}, chunk)`);
  }
  return `if (slot < 8u) { ${body(first!, `(planes_0, first_0 + ${at}, chunk)`)} }
    else { ${body(second, `(planes_1, first_1 + ${at}, chunk)`)} }`;
}

/** Functions that {@link finishTile} calls. */
export function tileFunctions({ spec, batch }: Tile): string {
  const two = batch.segments[0]!.weights.length === 2;
  const first = two ? `local * ${TILE_OUTPUTS / 2}u + 4u * across` : `local * ${TILE_OUTPUTS}u + 4u * across`;
  const write = two
    ? "if (n < rows) { finish(row, n, sum_0[i], sum_1[i], segment, biases, column); }"
    : `if (n < rows) { finish(row, n, sum_0[i], 0, segment, biases, column); }
    if (n + 32u < rows) { finish(row, n + 32u, sum_1[i], 0, segment, biases, column); }`;
  return `${finishFunction(spec, batch)}
fn finish_eight(row: u32, active_rows: u32, local: u32, across: u32, rows: u32, sum_0: vec4<f32>, sum_1: vec4<f32>,
    segment: u32, biases: vec4<u32>, column: u32) {
  if (row >= active_rows) { return; }
  for (var i = 0u; i < 4u; i++) {
    let n = ${first} + i;
    ${write}
  }
}`;
}

/** Statements that write the sums: two groups of a weight, or one group of either of a gate's. */
export function finishTile({ each }: Tile): string {
  return each((a, i) => {
    const row = `first_row + (down + ${8 * a}u) * 4u + ${i}u`;
    return `finish_eight(${row}, active_rows, local, across, rows, sum_${a}_${i}_0, sum_${a}_${i}_1, segment, biases, column);`;
  });
}
