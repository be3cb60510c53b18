/**
 * attention_combine: adds up what the spans of a row left (FlashDecoding's second half). A workgroup a head of a row; groups
 * of invocations take turns at the spans, always in the same order.
 */
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, address, matrixBinding, scratchOf } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { type AttentionShape, NO_SCORE } from "./shape.js";
import { partialUnits } from "./span.js";
import { SPANS_WGSL } from "./spans.js";

const THREADS = 128;

/** Parameters as those of lowerSpans. */
export function lowerCombine(shape: AttentionShape, partials: number, spans: number): Dispatch {
  const { spec, heads } = shape;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "partials", element: "vec4<f32>", access: "read" as const },
    matrixBinding("y_rows", "read-write"),
  ];
  return {
    kernel: kernelOf("attention_combine", bindings, body(shape, spans)),
    label: `${spec.label} layer ${spec.attrs.layer}`,
    operands: [{ space: "call" }, { space: "scratch", slot: partials }, scratchOf(spec.y)],
    params: [],
    grid: (size) => [heads, activeRows(spec.y, size), 1],
    weightBytes: 0,
  };
}

function body(shape: AttentionShape, spans: number): string {
  const { spec, heads, valueUnits } = shape;
  const parts = Math.floor(THREADS / valueUnits);
  const units = partialUnits(shape);
  const column = `head * ${spec.attrs.valueDim}u + 4u * unit + i`;
  return `
var<workgroup> maxima: array<f32, ${parts}>;
var<workgroup> sums: array<f32, ${parts}>;
var<workgroup> outputs: array<vec4<f32>, ${THREADS}>;
${SPANS_WGSL}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  let head = group.x;
  let spans = span_count(call[${spec.lengths}u + call[${spec.sequences}u + row]]);
  let unit = lane % ${valueUnits}u;
  let part = lane / ${valueUnits}u;
  let record = (row * ${heads}u + head) * ${spans * units}u;
  var most = ${NO_SCORE};
  var sum = 0f;
  var output = vec4<f32>(0f);
  if (part < ${parts}u) {
    for (var s = part; s < spans; s += ${parts}u) { most = max(most, partials[record + s * ${units}u].x); }
    if (unit == 0u) { maxima[part] = most; }
  }
  workgroupBarrier();
  for (var p = 0u; p < ${parts}u; p++) { most = max(most, maxima[p]); }
  if (part < ${parts}u) {
    for (var s = part; s < spans; s += ${parts}u) {
      let at = record + s * ${units}u;
      let factor = exp(partials[at].x - most);
      sum += factor * partials[at].y;
      output += factor * partials[at + 1u + unit];
    }
    if (unit == 0u) { sums[part] = sum; }
    outputs[lane] = output;
  }
  workgroupBarrier();
  if (lane >= ${valueUnits}u) { return; }
  for (var p = 1u; p < ${parts}u; p++) { output += outputs[p * ${valueUnits}u + unit]; }
  sum = 0f;
  for (var p = 0u; p < ${parts}u; p++) { sum += sums[p]; }
  let result = select(vec4<f32>(0f), output / sum, sum > 0f);
  for (var i = 0u; i < min(4u, ${spec.attrs.valueDim}u - 4u * unit); i++) {
    y_rows[${address(spec.y, "row", column)}] = result[i];
  }
}`;
}
