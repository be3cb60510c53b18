/**
 * attention -> kv_write, after for few rows attention_span and attention_combine, for many attention_tile. Which it is
 * depends on the program's most rows, not on those of a call.
 */
import type { AttentionAttrs } from "@millet/core/ops";
import type { AttentionSpec, Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { type Choices, chosen, markChoice, NO_CHOICES } from "../choices.js";
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
  choices: Choices = NO_CHOICES,
): Dispatch[] {
  const { q, attrs, blockColumns, kv } = spec;
  const queries = workspace.temporary(16 * q.rows * attrs.heads * Math.ceil(attrs.headDim / 4));
  const shape = attentionShape(spec, queries);
  const write = lowerKvWrite(shape);
  if (q.rows > FEW_ROWS) return [write, lowerTiles(shape, workspace.countWord("tokens"))];
  const spans = spanCount(blockColumns * kv.blockRows);
  const partials = workspace.temporary(16 * q.rows * attrs.heads * spans * partialUnits(shape));
  const site = siteOf(spec);
  const candidates = spanVariants(features).toReversed();
  const variant = chosen(site, candidates, choices);
  const span = lowerSpans(shape, partials, spans, variant);
  return [
    write,
    ...markChoice([span], site, candidates, variant, choices),
    lowerCombine(shape, partials, spans),
  ];
}

function siteOf({ attrs: { heads, kvHeads, headDim, valueDim }, kv, q }: AttentionSpec): string {
  const sizes = headDim === valueDim ? headDim : `${headDim}/${valueDim}`;
  return `attention_span ${kv.dtype} ${heads}/${kvHeads} heads of ${sizes}, rows ${q.rows}`;
}
