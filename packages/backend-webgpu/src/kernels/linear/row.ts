/**
 * linear for few rows: a matrix-vector product that reads the weights once for up to 8 rows. A workgroup (a team) walks
 * K in chunks of 8 inputs for 4 or 8 outputs; its invocations take neighbouring chunks, so their loads of 16 bytes are
 * neighbours too. The norm of x is part of the walk: the squares are summed on the way and their factor comes last.
 * Large GPUs want all of a row's loads in flight at once, so a team is as wide as K allows; integrated ones want few
 * instructions per weight, so one conversion of a byte serves all rows.
 */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import type { HalfDecode } from "../../quant/decode-wgsl.js";
import { chunksOf, groupsOf } from "../../quant/format.js";
import { activeRows } from "../rows.js";
import { f32Literal, kernelOf, MOST_WORKGROUPS } from "../wgsl.js";
import { reducePlain, reduceSubgroups } from "./reduce.js";
import { type Batch, batchesOf, type Segment, segmentParams, segmentsOf, weightBytesOf } from "./segments.js";
import {
  bindingsOf,
  chooseSegment,
  decodeSource,
  finishFunction,
  masked,
  perSegment,
  rowCount,
  suffixOf,
  xFunctions,
} from "./source.js";

/** Rows that one walk over the weights serves. */
export const ROWS_PER_WALK = 8;

/** vec4 sums of a workgroup that fit into the least workgroup memory of any device, 16 KB, with room for a second stage. */
const MOST_PARTIALS = 768;

/** Vectors of Params before those of segments: where the norm's weight lies. */
const PARAM_VECTORS = 1;

export interface RowVariant {
  readonly name: string;
  readonly reduce: "plain" | "subgroups";
  readonly halves: HalfDecode;
}

/** How the work is cut into teams. */
export interface RowCut {
  /** Invocations of a team. */
  readonly lanes: number;
  /** Groups of 4 outputs per team; those of a gate's second weight are counted too. */
  readonly groups: number;
}

interface Shape extends RowCut {
  readonly columns: number;
  readonly chunks: number;
  /** Rows of x per walk. */
  readonly rows: number;
  /** vec4 sums of an invocation: one per group and row, after the squares of the rows. */
  readonly sums: number;
}

export function lowerLinearRow(
  spec: LinearSpec,
  workspace: Workspace,
  variant: RowVariant,
  cut: RowCut = rowCuts(spec)[0]!,
): Dispatch[] {
  const norm = spec.norm?.weight.parts[0];
  return batchesOf(segmentsOf(spec), PARAM_VECTORS, norm?.page).map((batch) => {
    const shape = shapeOf(spec, cut);
    const teams = batch.segments.map((segment) => teamsOf(segment, shape));
    const total = teams.reduce((sum, count) => sum + count, 0);
    const { bindings, operands } = bindingsOf(spec, batch);
    const names = new Set(batch.segments.flatMap(({ weights }) => weights.map(({ format }) => format.dtype)));
    const name = `linear_row.${[...names].join("+")}.${variant.name}`;
    const extensions = variant.reduce === "subgroups" ? ["subgroups"] : [];
    return {
      kernel: kernelOf(name, bindings, source(spec, workspace, variant, batch, shape, teams), extensions),
      label: spec.label,
      operands,
      params: [
        ...[(norm?.offset ?? 0) / 16, 0, 0, 0],
        ...batch.segments.flatMap((segment) => segmentParams(segment, shape.columns)),
      ],
      grid: (size) => [
        Math.min(total, MOST_WORKGROUPS),
        Math.ceil(total / MOST_WORKGROUPS),
        Math.ceil(activeRows(spec.y, size) / shape.rows),
      ],
      weightBytes: weightBytesOf(batch.segments, shape.columns),
    };
  });
}

/** Invocations that keep a large GPU busy; a team of fewer lanes spends less on adding up. */
const ENOUGH_LANES = 65536;

function shapeOf(spec: LinearSpec, cut: RowCut): Shape {
  const columns = spec.x.width;
  const chunks = chunksOf(columns);
  const rows = rowsOf(spec);
  return { ...cut, columns, chunks, rows, sums: sumsOf(spec, cut.groups) };
}

function rowsOf({ y }: LinearSpec): number {
  return Math.min(y.rows, ROWS_PER_WALK);
}

function sumsOf(spec: LinearSpec, groups: number): number {
  const rows = rowsOf(spec);
  return groups * rows + (spec.norm ? Math.ceil(rows / 4) : 0);
}

/** Cuts that may be fast: the one that is expected to be first, after its neighbours. */
export function rowCuts(spec: LinearSpec): RowCut[] {
  const chunks = chunksOf(spec.x.width);
  const least = spec.finish === "gated" ? 2 : 1;
  const groups = least === 2 || rowsOf(spec) <= 2 ? 2 : 1;
  const outputs = spec.parts.reduce((sum, { weight }) => sum + weight.spec.shape[0]!, 0);
  const lanes = lanesOf(chunks, Math.ceil(outputs / (4 * groups)), sumsOf(spec, groups));
  const neighbours = [
    { lanes: 2 * lanes, groups },
    { lanes: lanes / 2, groups },
    { lanes, groups: 2 * groups },
    { lanes, groups: groups / 2 },
  ];
  const fits = (cut: RowCut) =>
    cut.groups >= least && fittingLanes(chunks, sumsOf(spec, cut.groups)).includes(cut.lanes);
  return [{ lanes, groups }, ...neighbours.filter(fits)];
}

function fittingLanes(chunks: number, sums: number): number[] {
  return [32, 64, 128, 256].filter(
    (lanes) => lanes * sums <= MOST_PARTIALS && (lanes === 32 || 2 * lanes <= chunks),
  );
}

/** As few lanes as are enough, or as many as take part in at least two rounds; with as little idleness as can be. */
function lanesOf(chunks: number, teams: number, sums: number): number {
  const fitting = fittingLanes(chunks, sums);
  const least = Math.min(...fitting.map((lanes) => idle(chunks, lanes)));
  const busy = fitting.filter((lanes) => idle(chunks, lanes) <= least + 0.05);
  return busy.find((lanes) => lanes * teams >= ENOUGH_LANES) ?? busy.at(-1)!;
}

/** Share of invocations that have nothing to do in some round. */
function idle(chunks: number, lanes: number): number {
  return 1 - chunks / (Math.ceil(chunks / lanes) * lanes);
}

function teamsOf(segment: Segment, { groups }: Shape): number {
  return Math.ceil((groupsOf(segment.rows) * segment.weights.length) / groups);
}

function source(
  spec: LinearSpec,
  workspace: Workspace,
  variant: RowVariant,
  batch: Batch,
  shape: Shape,
  teams: readonly number[],
): string {
  const { rows, groups, lanes } = shape;
  const perWeight = groups / batch.segments[0]!.weights.length;
  const reduce = (variant.reduce === "plain" ? reducePlain : reduceSubgroups)(lanes, shape.sums);
  return `${decodeSource(batch, shape.columns, variant.halves)}
${xFunctions(spec)}
${finishFunction(spec, batch)}
${reduce.declarations}
@compute @workgroup_size(${lanes})
fn main(@builtin(workgroup_id) workgroup: vec3<u32>, @builtin(local_invocation_index) lane: u32${reduce.parameters}) {
  let unit = workgroup.x + workgroup.y * ${MOST_WORKGROUPS}u;
  let first_row = workgroup.z * ${rows}u;
  let active_rows = ${rowCount(spec, workspace)};
  if (unit >= ${teams.reduce((sum, count) => sum + count, 0)}u || first_row >= active_rows) { return; }
  let count = min(active_rows - first_row, ${rows}u);
  ${chooseSegment(batch, teams, PARAM_VECTORS)}
  let last_group = (rows - 1u) / 4u;
  ${each(groups, (j) => `let group_${j} = first_${weightOf(j, perWeight)} + min(local * ${perWeight}u + ${j % perWeight}u, last_group);`)}
  ${each(rows, (r) => `let base_${r} = x_base(min(first_row + ${r}u, active_rows - 1u));`)}
  ${each(shape.sums, (v) => `var sum_${v} = vec4<f32>(0);`)}
  ${perSegment(batch, (segment) => walk(spec, batch, segment, shape, perWeight))}
  ${reduce.statements((v) => `sum_${v}`)}
  if (lane < ${perWeight * rows}u) {
    let row = lane / ${perWeight}u;
    let member = lane % ${perWeight}u;
    ${total("sum_a", "row", "member", shape, reduce)}
    ${perWeight === groups ? "let sum_b = vec4<f32>(0);" : total("sum_b", "row", `(member + ${perWeight}u)`, shape, reduce)}
    ${factor(spec, shape, reduce)}
    let first = 4u * (local * ${perWeight}u + member);
    for (var i = 0u; i < 4u && first + i < rows; i++) {
      if (row < count) { finish(first_row + row, first + i, sum_a[i] * factor, sum_b[i] * factor, segment, biases, column); }
    }
  }
}`;
}

function weightOf(group: number, perWeight: number): number {
  return Math.floor(group / perWeight);
}

function each(count: number, text: (i: number) => string): string {
  return Array.from({ length: count }, (_, i) => text(i)).join("\n  ");
}

/** The loop over K for weights of the formats and pages of `segment`. */
function walk(spec: LinearSpec, batch: Batch, segment: Segment, shape: Shape, perWeight: number): string {
  const { rows, groups, chunks, lanes } = shape;
  const formats = Array.from({ length: groups }, (_, j) => segment.weights[weightOf(j, perWeight)]!.format);
  const loads = formats.map((format, j) => {
    const w = weightOf(j, perWeight);
    const suffix = suffixOf(batch, segment, w);
    const place = `(planes_${w}, group_${j}, chunk)`;
    const scales = format.numbers === "floats" ? "" : `let scales_${j} = scales${suffix}${place};`;
    return `let floats_${j} = floats${suffix}${place}; ${scales}`;
  });
  const needsSum = formats.some(({ hasOffset }) => hasOffset);
  const row = (r: number) => `{
      var low = x_low(base_${r}, chunk);
      var high = x_high(base_${r}, chunk);
      ${spec.norm ? `sum_${groups * rows + (r >> 2)}[${r & 3}] += dot(low, low) + dot(high, high);\n      low *= norm_low; high *= norm_high;` : ""}
      ${needsSum ? "let total = dot(low + high, vec4<f32>(1));" : ""}
      ${each(groups, (j) => `sum_${j * rows + r} += ${product(formats[j]!, j)};`)}
    }`;
  // A number of rounds that is known lets compilers unroll them, and have more loads in flight.
  const loop =
    chunks % lanes === 0
      ? `for (var round = 0u; round < ${chunks / lanes}u; round++) {\n    let chunk = round * ${lanes}u + lane;`
      : `for (var chunk = lane; chunk < ${chunks}u; chunk += ${lanes}u) {`;
  return `${loop}
    ${loads.join("\n    ")}
    ${spec.norm ? normLoads(batch, spec, shape.columns) : ""}
    ${each(rows, (r) => (r === 0 ? row(r) : `if (count > ${r}u) ${row(r)}`))}
  }`;
}

function product({ numbers, hasOffset }: Segment["weights"][number]["format"], j: number): string {
  const dot = `low * floats_${j}.low + high * floats_${j}.high`;
  if (numbers === "floats") return dot;
  return `scales_${j}.scale * (${dot})${hasOffset ? ` + scales_${j}.offset * total` : ""}`;
}

function normLoads(batch: Batch, spec: LinearSpec, columns: number): string {
  const page = `page_${batch.pages.indexOf(spec.norm!.weight.parts[0]!.page)}`;
  const load = (i: number) => `bitcast<vec4<f32>>(${page}[params.words[0].x + 2u * chunk + ${i}u])`;
  return `let norm_low = ${masked(columns, load(0), "chunk * 8u")};
    let norm_high = ${masked(columns, load(1), "chunk * 8u + 4u")};`;
}

type Reduction = ReturnType<typeof reducePlain>;

/** `let <name>`: the reduced sum of a group and row, both known at run time. */
function total(name: string, row: string, group: string, { rows }: Shape, reduce: Reduction): string {
  return reduce.total(name, `${group} * ${rows}u + ${row}`);
}

function factor(spec: LinearSpec, shape: Shape, reduce: Reduction): string {
  if (!spec.norm) return "let factor = 1f;";
  return `${reduce.total("squares", `${shape.groups * shape.rows}u + (row >> 2u)`)}
    let factor = 1 / sqrt(squares[row & 3u] / ${f32Literal(shape.columns)} + ${f32Literal(spec.norm.epsilon)});`;
}
