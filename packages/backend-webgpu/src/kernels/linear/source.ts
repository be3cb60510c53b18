/** WGSL that both kinds of linear kernels share: bindings of pages, rows of x, the choice of a segment, what follows the sum. */
import type { Matrix } from "../../lower/matrix.js";
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Operand } from "../../program/dispatch.js";
import { decodeFunctions, decodePrelude, type HalfDecode } from "../../quant/decode-wgsl.js";
import { CHUNK, type GpuFormat, type PageView } from "../../quant/format.js";
import { matrixBinding, scratchOf } from "../rows.js";
import { unaryWgsl } from "../unary.js";
import type { Binding } from "../wgsl.js";
import { type Batch, firstVectors, type Segment } from "./segments.js";

export interface Bound {
  readonly bindings: readonly Binding[];
  readonly operands: readonly Operand[];
}

/** The binding x_rows that {@link xFunctions} read. */
export function xBinding(x: Matrix): Binding {
  return { name: "x_rows", element: isVector(x) ? "vec4<f32>" : "f32", access: "read" };
}

/** Bindings call, x_rows or the given input, y_rows, residual_rows where it is not y, page_0 and so on. */
export function bindingsOf(
  spec: LinearSpec,
  batch: Batch,
  input = { binding: xBinding(spec.x), operand: scratchOf(spec.x) },
): Bound {
  const { y, residual } = spec;
  const list: [Binding, Operand][] = [
    [{ name: "call", element: "u32", access: "read" }, { space: "call" }],
    [input.binding, input.operand],
    [matrixBinding("y_rows", "read-write"), scratchOf(y)],
  ];
  if (residual && residual.slot !== y.slot)
    list.push([matrixBinding("residual_rows", "read"), scratchOf(residual)]);
  batch.pages.forEach((page, i) => {
    list.push([
      { name: `page_${i}`, element: "vec4<u32>", access: "read" },
      { space: "weights", page },
    ]);
  });
  return { bindings: list.map(([binding]) => binding), operands: list.map(([, operand]) => operand) };
}

function isVector({ offset }: Matrix): boolean {
  return offset % 4 === 0;
}

/**
 * `x_quad(base, quad)`: inputs 4 quad to 4 quad + 3 of the row that `x_base(row)` names, 0 past its end; `x_low(base,
 * chunk)` and `x_high`: inputs 0..3 and 4..7 of a chunk.
 */
export function xFunctions({ x, gather }: Pick<LinearSpec, "x" | "gather">): string {
  const row = gather === undefined ? "row" : `min(call[${gather}u + row], ${x.rows - 1}u)`;
  const scale = isVector(x) ? 4 : 1;
  const load = isVector(x)
    ? "x_rows[base + quad]"
    : `vec4<f32>(${[0, 1, 2, 3].map((i) => `x_rows[base + 4u * quad + ${i}u]`).join(", ")})`;
  return `
fn x_base(row: u32) -> u32 { return ${x.offset / scale}u + ${row} * ${x.stride / scale}u; }
fn x_quad(base: u32, quad: u32) -> vec4<f32> { return ${masked(x.width, load, "4u * quad")}; }
fn x_low(base: u32, chunk: u32) -> vec4<f32> { return x_quad(base, 2u * chunk); }
fn x_high(base: u32, chunk: u32) -> vec4<f32> { return x_quad(base, 2u * chunk + 1u); }`;
}

/** What lies past a row's end may be NaN, and so must not even meet a weight of 0. */
export function masked(columns: number, value: string, first: string): string {
  if (columns % CHUNK === 0) return value;
  return `select(vec4<f32>(0), ${value}, vec4<u32>(${first}) + vec4<u32>(0u, 1u, 2u, 3u) < vec4<u32>(${columns}u))`;
}

/** Names of the functions that decode weight `j` of a segment. */
export function suffixOf(batch: Batch, segment: Segment, j: number): string {
  const { format, part } = segment.weights[j]!;
  return `_${format.dtype}_${batch.pages.indexOf(part.page)}`;
}

/** Decode functions of every pair of format and page in the batch; `more` adds to them. */
export function decodeSource(
  batch: Batch,
  columns: number,
  halves: HalfDecode,
  more: (format: GpuFormat, view: PageView) => string = () => "",
): string {
  const functions = new Map<string, string>();
  for (const segment of batch.segments) {
    segment.weights.forEach(({ format, part }, j) => {
      const suffix = suffixOf(batch, segment, j);
      const page = `page_${batch.pages.indexOf(part.page)}`;
      const view = { suffix, page, columns };
      functions.set(suffix, decodeFunctions(format, view) + more(format, view));
    });
  }
  const formats = batch.segments.flatMap(({ weights }) => weights.map(({ format }) => format));
  return decodePrelude(halves, formats) + [...functions.values()].join("");
}

/**
 * Statements that find the segment of `unit`, of which segment s has `units[s]`: declares `segment`, `local` (the unit
 * within it), `planes_<j>`, `first_<j>` (groups), `biases`, `rows` and `column`.
 */
export function chooseSegment(batch: Batch, units: readonly number[], paramVectors: number): string {
  const vectors = firstVectors(batch.segments, paramVectors);
  const weights = batch.segments[0]!.weights.length;
  let begin = 0;
  const cases = batch.segments.map(({ rows, column, weights }, s) => {
    const assign = [
      `segment = ${s}u; local = unit - ${begin}u; rows = ${rows}u; column = ${column}u;`,
      ...weights.map(
        ({ firstGroup }, j) => `planes_${j} = params.words[${vectors[s]! + j}]; first_${j} = ${firstGroup}u;`,
      ),
      `biases = params.words[${vectors[s]! + weights.length}];`,
    ].join("\n    ");
    const text = s === 0 ? assign : `if (unit >= ${begin}u) {\n    ${assign}\n  }`;
    begin += units[s]!;
    return text;
  });
  const declare = Array.from(
    { length: weights },
    (_, j) => `var planes_${j}: vec4<u32>; var first_${j}: u32;`,
  );
  return `var segment: u32; var local: u32; var rows: u32; var column: u32; var biases: vec4<u32>;
  ${declare.join(" ")}
  ${cases.join("\n  ")}`;
}

/** The text of `body(s)` for each segment, run for the one at hand; segments of equal text share it. */
export function perSegment(batch: Batch, body: (segment: Segment) => string): string {
  const texts = new Map<string, number[]>();
  batch.segments.forEach((segment, s) => {
    const text = body(segment);
    texts.set(text, [...(texts.get(text) ?? []), s]);
  });
  const [[only] = [""]] = texts;
  if (texts.size === 1) return only;
  return [...texts]
    .map(([text, list]) => `if (${list.map((s) => `segment == ${s}u`).join(" || ")}) {\n${text}\n}`)
    .join(" else ");
}

/**
 * Function `finish(row, n, sum_0, sum_1, segment, biases, column)` that writes output `n` of the segment; sums are those
 * of its weights.
 */
export function finishFunction(spec: LinearSpec, batch: Batch): string {
  const { y, residual, finish, after } = spec;
  const sums = batch.segments[0]!.weights.map((_, j) => addBias(batch, j));
  const base = `${y.offset}u + row * ${y.stride}u + column + n`;
  const value = {
    none: "after(value_0)",
    gated: "after(value_0) * value_1",
    residual: residual
      ? `${residual.slot === y.slot ? "y_rows" : "residual_rows"}[${residual.offset}u + row * ${residual.stride}u + column + n] + after(value_0)`
      : "after(value_0)",
  }[finish];
  return `${unaryWgsl("after", after)}
fn finish(row: u32, n: u32, sum_0: f32, sum_1: f32, segment: u32, biases: vec4<u32>, column: u32) {
  ${sums.join("\n  ")}
  y_rows[${base}] = ${value};
}`;
}

function addBias(batch: Batch, j: number): string {
  const cases = batch.segments.flatMap(({ weights }, s) => {
    const bias = weights[j]!.bias;
    if (!bias) return [];
    const page = `page_${batch.pages.indexOf(bias.page)}`;
    const at = `(biases[${j}] + n)`;
    return `if (segment == ${s}u) { value_${j} += bitcast<f32>(${page}[${at} >> 2u][${at} & 3u]); }`;
  });
  return [`var value_${j} = sum_${j};`, ...cases].join("\n  ");
}

/** WGSL of the active rows of y. */
export function rowCount({ y }: LinearSpec, workspace: Workspace): string {
  return y.axis === "fixed" ? `${y.rows}u` : `min(call[${workspace.countWord(y.axis)}], ${y.rows}u)`;
}
