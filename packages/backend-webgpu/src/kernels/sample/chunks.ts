/**
 * First kernel of sample: a workgroup goes through its part of a row of logits and leaves the K highest in order, and the
 * sums of exponentials. Tokens of the history that may be penalized are summed apart, so that penalties later take
 * nothing away from a sum.
 */
import type { Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, rowGuard, scratchOf } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { NO_ID, type SampleLayout, type SampleSpec, SORT_SIZE, THREADS } from "./layout.js";
import { ENTRIES, IS_TOKEN, NO_LOGIT, SUMS } from "./sort.js";

/** @param target slot of the lists, u32 [R, lists, listWords] */
export function lowerChunks(
  spec: SampleSpec,
  { lists, chunk, listWords }: SampleLayout,
  target: number,
  workspace: Workspace,
): Dispatch {
  const { logits, candidates, historyLength } = spec;
  const [K, H, V] = [candidates, historyLength, logits.width];
  const code = `
${IS_TOKEN}${ENTRIES}${SUMS}
/** Bits of the part's tokens that are in the history. */
var<workgroup> marks: array<atomic<u32>, ${Math.ceil(chunk / 32)}>;
var<workgroup> sums: array<Sums, ${THREADS}>;

fn mark_history(lane: u32, row: u32, begin: u32, end: u32) {
  for (var i = lane; i < ${Math.ceil(chunk / 32)}u; i += ${THREADS}u) { atomicStore(&marks[i], 0u); }
  workgroupBarrier();
  for (var i = lane; i < ${H}u; i += ${THREADS}u) {
    let id = call[${spec.history}u + row * ${H}u + i];
    if (id >= begin && id < end) { atomicOr(&marks[(id - begin) / 32u], 1u << ((id - begin) % 32u)); }
  }
  workgroupBarrier();
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  if (${rowGuard(logits, workspace)}) { return; }
  let begin = min(group.x * ${chunk}u, ${V}u);
  let end = min(begin + ${chunk}u, ${V}u);
  mark_history(lane, row, begin, end);
  clear(lane, 0u);
  workgroupBarrier();
  var own = no_sums();
  var kept = 0u;
  for (var first = begin; first < end; ) {
    let count = min(end - first, ${SORT_SIZE}u - kept);
    for (var i = lane; i < count; i += ${THREADS}u) {
      let id = first + i;
      let bits = rows[${logits.offset}u + row * ${logits.stride}u + id];
      if (!is_token(bits)) {
        put(kept + i, ${NO_ID}, ${NO_LOGIT});
        continue;
      }
      let logit = bitcast<f32>(bits);
      put(kept + i, id, logit);
      let marked = (atomicLoad(&marks[(id - begin) / 32u]) >> ((id - begin) % 32u)) & 1u;
      own = both(own, Sums(logit, 1, select(logit, ${NO_LOGIT}, marked == 1u), f32(1u - marked)));
    }
    clear(lane, kept + count);
    sort_entries(lane, ${SORT_SIZE}u);
    first += count;
    kept = ${K}u;
  }
  sums[lane] = own;
  workgroupBarrier();
  for (var half = ${THREADS / 2}u; half > 0u; half >>= 1u) {
    if (lane < half) { sums[lane] = both(sums[lane], sums[lane + half]); }
    workgroupBarrier();
  }
  let at = (row * ${lists}u + group.x) * ${listWords}u;
  for (var i = lane; i < ${K}u; i += ${THREADS}u) {
    lists[at + i] = ids[i];
    lists[at + ${K}u + i] = bitcast<u32>(logits[i]);
  }
  if (lane == 0u) {
    lists[at + ${2 * K}u] = bitcast<u32>(sums[0].most);
    lists[at + ${2 * K + 1}u] = bitcast<u32>(sums[0].sum);
    lists[at + ${2 * K + 2}u] = bitcast<u32>(sums[0].rest_most);
    lists[at + ${2 * K + 3}u] = bitcast<u32>(sums[0].rest);
  }
}`;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "rows", element: "u32", access: "read" as const },
    { name: "lists", element: "u32", access: "read-write" as const },
  ];
  return {
    kernel: kernelOf("sample_chunks", bindings, code),
    label: spec.label,
    operands: [{ space: "call" }, scratchOf(logits), { space: "scratch", slot: target }],
    params: [],
    grid: (size) => [lists, activeRows(logits, size), 1],
    weightBytes: 0,
  };
}
