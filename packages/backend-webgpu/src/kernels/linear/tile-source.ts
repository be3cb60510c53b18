/** What the kernels for many rows share: the norm as a dispatch of its own, and decoding a tile of weights. */
import { strideOf } from "../../lower/matrix.js";
import type { LinearSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { lowerRmsNorm } from "../rms-norm.js";
import type { Batch, Segment } from "./segments.js";
import { perSegment, suffixOf } from "./source.js";

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
  const dispatch = lowerRmsNorm({ label, x, gather, ...norm, y: normed }, workspace);
  return { spec: { ...spec, x: normed, norm: undefined, gather: undefined }, dispatches: [dispatch] };
}

/**
 * Statement that sets `weights` (Floats) of group `slot` (0..15) of the tile and chunk `chunk`, 0 past the end of K. For
 * swiglu slots 0..7 are groups of the first weight, 8..15 of the second.
 */
export function loadWeightTile(batch: Batch, chunks: number): string {
  const load = perSegment(batch, (segment) => decode(batch, segment));
  return chunks % 4 === 0 ? load : `if (chunk < ${chunks}u) { ${load} }`;
}

function decode(batch: Batch, segment: Segment): string {
  const [first, second] = segment.weights.map((_, j) => suffixOf(batch, segment, j));
  const group = (index: string) => `min(${index}, (rows - 1u) / 4u)`;
  if (second === undefined) {
    return `weights = weights${first}(planes_0, first_0 + ${group("local * 16u + slot")}, chunk);`;
  }
  const at = group("local * 8u + (slot & 7u)");
  if (first === second) {
    return `weights = weights${first}(select(planes_1, planes_0, slot < 8u), select(first_1, first_0, slot < 8u) + ${at}, chunk);`;
  }
  return `if (slot < 8u) { weights = weights${first}(planes_0, first_0 + ${at}, chunk); }
    else { weights = weights${second}(planes_1, first_1 + ${at}, chunk); }`;
}
