/**
 * Quantizes rows of x for kernels of integer dot products: int8 with one scale per 32 inputs, 4 rows side by side as
 * weights lie. One invocation makes a unit, 4 rows of 32 inputs, of 12 vectors: vectors 0..7 have inputs 4i..4i + 3 as
 * bytes, a row a component; 8 the scales; 9 and 10 scale times the sum of inputs 0..15 and 16..31; the last is unused.
 */
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, scratchOf } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { rowCount, xBinding, xFunctions } from "./source.js";

const THREADS = 64;
/** Inputs of a block. */
export const BLOCK = 32;
/** Vectors of a unit. */
export const UNIT = 12;

/** Where the units of quantized rows lie: unit of block b and rows 4q to 4q + 3 is number b * quads + q. */
export interface QuantizedRows {
  readonly slot: number;
  readonly quads: number;
}

/** @param spec its x of whole blocks, without norm */
export function lowerQuantizeRows(
  spec: LinearSpec,
  workspace: Workspace,
): { readonly quantized: QuantizedRows; readonly dispatch: Dispatch } {
  const blocks = spec.x.width / BLOCK;
  const quads = Math.ceil(spec.y.rows / 4);
  const slot = workspace.temporary(blocks * quads * UNIT * 16);
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    xBinding(spec.x),
    { name: "units", element: "vec4<u32>", access: "read-write" as const },
  ];
  const dispatch: Dispatch = {
    kernel: kernelOf("linear_quantize_rows", bindings, source(spec, workspace, blocks, quads)),
    label: spec.label,
    operands: [{ space: "call" }, scratchOf(spec.x), { space: "scratch", slot }],
    params: [],
    grid: (size) => [Math.ceil(blocks / THREADS), Math.ceil(activeRows(spec.y, size) / 4), 1],
    weightBytes: 0,
  };
  return { quantized: { slot, quads }, dispatch };
}

function source(spec: LinearSpec, workspace: Workspace, blocks: number, quads: number): string {
  return `${xFunctions(spec)}
struct Row { words: array<u32, 8>, scale: f32, sum_0: f32, sum_1: f32 }
fn quantize(base: u32, block: u32) -> Row {
  var row: Row;
  var largest = vec4<f32>(0);
  for (var i = 0u; i < 8u; i++) { largest = max(largest, abs(x_quad(base, block * 8u + i))); }
  row.scale = max(max(largest.x, largest.y), max(largest.z, largest.w)) / 127;
  let inverse = select(0f, 1 / row.scale, row.scale > 0);
  var sums = array<vec4<i32>, 2>();
  for (var i = 0u; i < 8u; i++) {
    let q = clamp(vec4<i32>(round(x_quad(base, block * 8u + i) * inverse)), vec4<i32>(-127), vec4<i32>(127));
    sums[i >> 2u] += q;
    let bytes = (bitcast<vec4<u32>>(q) & vec4<u32>(255u)) << vec4<u32>(0u, 8u, 16u, 24u);
    row.words[i] = bytes.x | bytes.y | bytes.z | bytes.w;
  }
  row.sum_0 = row.scale * f32(sums[0].x + sums[0].y + sums[0].z + sums[0].w);
  row.sum_1 = row.scale * f32(sums[1].x + sums[1].y + sums[1].z + sums[1].w);
  return row;
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) position: vec3<u32>) {
  let block = position.x;
  let active_rows = ${rowCount(spec, workspace)};
  let first = position.y * 4u;
  if (block >= ${blocks}u || first >= active_rows) { return; }
  ${[0, 1, 2, 3].map((i) => `let row_${i} = quantize(x_base(min(first + ${i}u, active_rows - 1u)), block);`).join("\n  ")}
  let at = (block * ${quads}u + position.y) * ${UNIT}u;
  for (var i = 0u; i < 8u; i++) {
    units[at + i] = vec4<u32>(row_0.words[i], row_1.words[i], row_2.words[i], row_3.words[i]);
  }
  ${["scale", "sum_0", "sum_1"]
    .map(
      (field, i) =>
        `units[at + ${8 + i}u] = bitcast<vec4<u32>>(vec4<f32>(row_0.${field}, row_1.${field}, row_2.${field}, row_3.${field}));`,
    )
    .join("\n  ")}
}`;
}
