/** Second kernel of sample: a workgroup merges several lists into one. */
import type { Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, rowGuard } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { NO_ID, type SampleLayout, type SampleSpec, THREADS } from "./layout.js";
import { ENTRIES, NO_LOGIT, SUMS } from "./sort.js";

/** Entries that a merge of so many lists sorts: a power of two. */
export function sortedEntries(lists: number, candidates: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(2, lists * candidates)));
}

/** WGSL: `load_lists(lane, at, count)` brings the lists that begin at a word into the entries and sorts; gives their sums. */
export function loadLists(candidates: number, listWords: number, most: number): string {
  const K = candidates;
  return `
fn load_lists(lane: u32, at: u32, count: u32) -> Sums {
  for (var i = lane; i < ${sortedEntries(most, K)}u; i += ${THREADS}u) {
    let from_word = at + (i / ${K}u) * ${listWords}u + i % ${K}u;
    if (i / ${K}u < count) { put(i, lists[from_word], bitcast<f32>(lists[from_word + ${K}u])); }
    else { put(i, ${NO_ID}, ${NO_LOGIT}); }
  }
  sort_entries(lane, ${sortedEntries(most, K)}u);
  var all = no_sums();
  for (var i = 0u; i < count; i++) {
    let word = at + i * ${listWords}u + ${2 * K}u;
    all = both(all, Sums(
      bitcast<f32>(lists[word]), bitcast<f32>(lists[word + 1u]),
      bitcast<f32>(lists[word + 2u]), bitcast<f32>(lists[word + 3u])));
  }
  return all;
}
`;
}

/** @param source slot of `layout.lists` lists a row @param target slot of `groups` lists a row */
export function lowerMerge(
  spec: SampleSpec,
  { lists, fanIn, listWords }: SampleLayout,
  source: number,
  target: number,
  groups: number,
  workspace: Workspace,
): Dispatch {
  const K = spec.candidates;
  const code = `
${ENTRIES}${SUMS}${loadLists(K, listWords, fanIn)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  if (${rowGuard(spec.logits, workspace)}) { return; }
  let first = group.x * ${fanIn}u;
  let all = load_lists(lane, (row * ${lists}u + first) * ${listWords}u, min(${fanIn}u, ${lists}u - first));
  let at = (row * ${groups}u + group.x) * ${listWords}u;
  for (var i = lane; i < ${K}u; i += ${THREADS}u) {
    merged[at + i] = ids[i];
    merged[at + ${K}u + i] = bitcast<u32>(logits[i]);
  }
  if (lane == 0u) {
    merged[at + ${2 * K}u] = bitcast<u32>(all.most);
    merged[at + ${2 * K + 1}u] = bitcast<u32>(all.sum);
    merged[at + ${2 * K + 2}u] = bitcast<u32>(all.rest_most);
    merged[at + ${2 * K + 3}u] = bitcast<u32>(all.rest);
  }
}`;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "lists", element: "u32", access: "read" as const },
    { name: "merged", element: "u32", access: "read-write" as const },
  ];
  return {
    kernel: kernelOf("sample_merge", bindings, code),
    label: spec.label,
    operands: [{ space: "call" }, { space: "scratch", slot: source }, { space: "scratch", slot: target }],
    params: [],
    grid: (size) => [groups, activeRows(spec.logits, size), 1],
    weightBytes: 0,
  };
}
