/**
 * attention -> kv_write, then for few rows attention_span and attention_combine, for many attention_tile. Which it is
 * depends on the program's most rows, not on those of a call.
 */
import type { AttentionAttrs } from "@millet/core/ops";
import type { AttentionSpec, Workspace } from "../../lower/specs.js";

import type { Dispatch } from "../../program/dispatch.js";
import type { KernelFeature } from "../features.js";
import { lowerCombine } from "./combine.js";
import { lowerKvWrite } from "./kv-write.js";
import { attentionShape } from "./shape.js";
import { lowerSpans, partialUnits } from "./span.js";
import { spanVariants } from "./span-scores.js";
import { spanCount } from "./spans.js";
import { lowerTiles } from "./tile.js";

/** Most rows of a program that goes by spans; others go by tiles. Each needs a self-test of its own. */
export const FEW_ROWS = 8;

/** Largest heads: more does not fit into the workgroup memory that every device has. */
const MOST_HEAD = 512;

/** Whether the kernels take heads of these sizes. */
export function fitsAttention({ headDim, valueDim }: AttentionAttrs): boolean {
  return headDim <= MOST_HEAD && valueDim <= MOST_HEAD;
}

export function lowerAttention(
  spec: AttentionSpec,
  workspace: Workspace,
  features: ReadonlySet<KernelFeature>,
): Dispatch[] {
  const { q, attrs, blockColumns, kv } = spec;
  const queries = workspace.temporary(16 * q.rows * attrs.heads * Math.ceil(attrs.headDim / 4));
  const shape = attentionShape(spec, queries);
  const write = lowerKvWrite(shape);
  if (q.rows > FEW_ROWS) return [write, lowerTiles(shape, workspace.countWord("tokens"))];
  const spans = spanCount(blockColumns * kv.blockRows);
  const partials = workspace.temporary(16 * q.rows * attrs.heads * spans * partialUnits(shape));
  const variant = spanVariants(features).at(-1)!;
  return [write, lowerSpans(shape, partials, spans, variant), lowerCombine(shape, partials, spans)];
}
