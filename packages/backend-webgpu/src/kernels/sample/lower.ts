/** sample -> sample_chunks, sample_merge if there are many lists, sample_choose. */
import type { OpNode } from "@millet/core/ops";
import type { Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { lowerChoose } from "./choose.js";
import { lowerChunks } from "./chunks.js";
import { MOST_CANDIDATES, MOST_HISTORY, MOST_VOCABULARY, type SampleSpec, sampleLayout } from "./layout.js";
import { lowerMerge } from "./merge.js";

type SampleNode = Extract<OpNode, { op: "sample" }>;

/** Whether the kernels take as many candidates and tokens, and as long a history. */
export function fitsSample({ attrs, inputs }: SampleNode): boolean {
  const [logits, history] = inputs;
  return (
    attrs.candidates <= MOST_CANDIDATES &&
    history!.spec.shape[1]! <= MOST_HISTORY &&
    logits!.spec.shape[1]! <= MOST_VOCABULARY
  );
}

export function lowerSample(spec: SampleSpec, workspace: Workspace): Dispatch[] {
  const layout = sampleLayout(spec);
  const { lists, fanIn, listWords } = layout;
  const slotOf = (count: number) => workspace.temporary(4 * spec.logits.rows * count * listWords);
  const source = slotOf(lists);
  const dispatches = [lowerChunks(spec, layout, source, workspace)];
  if (lists <= fanIn) return [...dispatches, lowerChoose(spec, layout, source, lists, workspace)];
  const groups = Math.ceil(lists / fanIn);
  const merged = slotOf(groups);
  dispatches.push(lowerMerge(spec, layout, source, merged, groups, workspace));
  return [...dispatches, lowerChoose(spec, layout, merged, groups, workspace)];
}
