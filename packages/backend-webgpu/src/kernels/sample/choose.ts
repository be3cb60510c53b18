/**
 * Last kernel of sample: a workgroup a row merges the last lists, penalizes candidates and history, ranks them anew, and
 * chooses the token as core's sampling/choose.ts does, in float32. A token's new rank is certain if no token that is
 * neither candidate nor in the history can lie before it: such a one is not penalized and ranks after the K-th candidate.
 * Where the choice depends on what is not certain, the token is -1.
 */
import { SETTINGS_COLUMNS } from "@millet/core/ops";
import type { Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { activeRows, rowGuard, scratchOf } from "../rows.js";
import { kernelOf } from "../wgsl.js";
import { NO_ID, type SampleLayout, type SampleSpec, THREADS } from "./layout.js";
import { loadLists, sortedEntries } from "./merge.js";
import { ENTRIES, IS_TOKEN, NO_LOGIT, SUMS } from "./sort.js";

const MINUS_INFINITY = "0xff800000u";
/** f32 holds -1 for "no token". */
const NO_TOKEN_BITS = "0xbf800000u";

/** @param lists lists a row in slot `source` */
export function lowerChoose(
  spec: SampleSpec,
  { fanIn, listWords, packedLength }: SampleLayout,
  source: number,
  lists: number,
  workspace: Workspace,
): Dispatch {
  const { logits, candidates: K, historyLength: H, token, nextHistory, packed } = spec;
  const V = logits.width;
  const ranked = sortedEntries(1, K + H);
  const setting = (name: (typeof SETTINGS_COLUMNS)[number]) =>
    `bitcast<f32>(call[${spec.settings}u + row * ${spec.settingsColumns}u + ${SETTINGS_COLUMNS.indexOf(name)}u])`;
  const code = `
${IS_TOKEN}${ENTRIES}${SUMS}${loadLists(K, listWords, fanIn)}
var<workgroup> history: array<u32, ${H}>;
/** Candidates as they are. */
var<workgroup> raw_ids: array<u32, ${K}>;
var<workgroup> raw_logits: array<f32, ${K}>;
/** exp(logit - highest), and the same by temperature. */
var<workgroup> masses: array<f32, ${ranked}>;
var<workgroup> weights: array<f32, ${ranked}>;
var<workgroup> chosen: u32;
var<workgroup> total: vec2<f32>;

struct Settings {
  temperature: f32, top_k: f32, top_p: f32, min_p: f32,
  repetition: f32, frequency: f32, presence: f32, window: u32, draw: f32,
}

fn settings_of(row: u32) -> Settings {
  return Settings(
    ${setting("temperature")}, ${setting("topK")}, ${setting("topP")}, ${setting("minP")},
    ${setting("repetitionPenalty")}, ${setting("frequencyPenalty")}, ${setting("presencePenalty")},
    u32(clamp(${setting("penaltyTokens")}, 0, ${H})), ${setting("draw")});
}

/** How often a token is among the last entries of the history. */
fn occurrences(id: u32, window: u32) -> u32 {
  var count = 0u;
  for (var i = ${H}u - window; i < ${H}u; i++) { count += select(0u, 1u, history[i] == id); }
  return count;
}

fn penalized(logit: f32, count: u32, settings: Settings) -> f32 {
  if (count == 0u) { return logit; }
  let repeated = select(logit * settings.repetition, logit / settings.repetition, logit > 0);
  return repeated - f32(count) * settings.frequency - settings.presence;
}

fn logit_bits(row: u32, id: u32) -> u32 {
  if (id >= ${V}u) { return ${MINUS_INFINITY}; }
  let bits = rows[${logits.offset}u + row * ${logits.stride}u + id];
  return select(${MINUS_INFINITY}, bits, is_token(bits));
}

/** Whether entry i of the history is a token that neither an earlier entry nor a candidate is. */
fn is_new(i: u32) -> bool {
  let id = history[i];
  for (var j = 0u; j < i; j++) { if (history[j] == id) { return false; } }
  for (var j = 0u; j < ${K}u; j++) { if (raw_ids[j] == id) { return false; } }
  return true;
}

/** log of a sum of exponentials; bits of -Infinity if the sum is empty. */
fn log_bits(most: f32, sum: f32) -> u32 {
  return select(${MINUS_INFINITY}, bitcast<u32>(most + log(max(sum, 1e-37))), sum > 0);
}

/**
 * Highest and sum of the exponentials after penalties: tokens that are not in the history as the first kernel summed them,
 * the others from \`masses\`, relative to \`most\`.
 */
fn penalized_sum(all: Sums, most: f32) -> vec2<f32> {
  var sum = all.rest * exp(all.rest_most - most);
  for (var i = 0u; i < ${ranked}u; i++) { sum += masses[i]; }
  return vec2<f32>(most, sum);
}

/** How many of the ranked entries stay: until their mass is the wanted one, or the next is too unlikely. */
fn cut(count: u32, wanted: f32, least: f32) -> u32 {
  var mass = 0f;
  for (var i = 0u; i < count; i++) {
    if (logits[i] < least && i > 0u) { return i; }
    mass += masses[i];
    if (mass >= wanted) { return i + 1u; }
  }
  return count + 1u;
}

/** @param certain ranked entries whose rank is certain; all that there are if is_all */
fn choose(settings: Settings, certain: u32, is_all: bool) -> u32 {
  if (certain == 0u || logits[0] > 3.4028234663852886e38f) { return ${NO_ID}; }
  if (settings.temperature == 0 || settings.top_k == 1) { return ids[0]; }
  let limited = settings.top_k > 0 && settings.top_k < ${V};
  var least = ${NO_LOGIT};
  if (settings.min_p > 0) { least = logits[0] + log(settings.min_p); }
  var kept = certain;
  if (limited) {
    var count = u32(settings.top_k);
    if (count > certain) {
      if (!is_all) { return ${NO_ID}; }
      count = certain;
    }
    var mass = 0f;
    for (var i = 0u; i < count; i++) { mass += masses[i]; }
    kept = min(count, cut(count, settings.top_p * mass, least));
  } else {
    if (settings.top_p == 1 && settings.min_p == 0) { return ${NO_ID}; }
    var wanted = 3.4028234663852886e38f;
    if (settings.top_p < 1) { wanted = settings.top_p * total.y * exp(total.x - logits[0]); }
    kept = cut(certain, wanted, least);
    if (kept > certain) {
      if (!is_all) { return ${NO_ID}; }
      kept = certain;
    }
  }
  var sum = 0f;
  for (var i = 0u; i < kept; i++) { sum += weights[i]; }
  var left = settings.draw * sum;
  for (var i = 0u; i < kept; i++) {
    left -= weights[i];
    if (left < 0) { return ids[i]; }
  }
  return ids[0];
}

@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let row = group.y;
  if (${rowGuard(logits, workspace)}) { return; }
  let settings = settings_of(row);
  let all = load_lists(lane, row * ${lists * listWords}u, ${lists}u);
  for (var i = lane; i < ${K}u; i += ${THREADS}u) {
    raw_ids[i] = ids[i];
    raw_logits[i] = logits[i];
  }
  for (var i = lane; i < ${H}u; i += ${THREADS}u) { history[i] = call[${spec.history}u + row * ${H}u + i]; }
  workgroupBarrier();
  let at = ${packed.offset}u + row * ${packed.stride}u;
  for (var i = lane; i < ${K}u; i += ${THREADS}u) {
    let is_there = raw_ids[i] != ${NO_ID};
    packed[at + 4u + i] = select(${NO_TOKEN_BITS}, bitcast<u32>(f32(raw_ids[i])), is_there);
    packed[at + ${4 + K}u + i] = select(${MINUS_INFINITY}, bitcast<u32>(raw_logits[i]), is_there);
    if (is_there) { put(i, raw_ids[i], penalized(raw_logits[i], occurrences(raw_ids[i], settings.window), settings)); }
    else { put(i, ${NO_ID}, ${NO_LOGIT}); }
  }
  for (var i = lane; i < ${ranked - K}u; i += ${THREADS}u) {
    put(${K}u + i, ${NO_ID}, ${NO_LOGIT});
    if (i < ${H}u) {
      let id = history[i];
      let bits = logit_bits(row, id);
      packed[at + ${4 + 2 * K}u + i] = bits;
      if (bits != ${MINUS_INFINITY} && is_new(i)) {
        put(${K}u + i, id, penalized(bitcast<f32>(bits), occurrences(id, settings.window), settings));
      }
    }
  }
  sort_entries(lane, ${ranked}u);
  let most = max(all.rest_most, logits[0]);
  for (var i = lane; i < ${ranked}u; i += ${THREADS}u) {
    masses[i] = select(0f, exp(logits[i] - most), occurrences(ids[i], ${H}u) > 0u && ids[i] != ${NO_ID});
  }
  workgroupBarrier();
  if (lane == 0u) { total = penalized_sum(all, most); }
  workgroupBarrier();
  for (var i = lane; i < ${ranked}u; i += ${THREADS}u) {
    let lower = logits[i] - logits[0];
    masses[i] = exp(lower);
    weights[i] = exp(lower / max(settings.temperature, 1e-6));
  }
  workgroupBarrier();
  if (lane == 0u) {
    var count = 0u;
    for (var i = 0u; i < ${K}u; i++) { count += select(0u, 1u, raw_ids[i] != ${NO_ID}); }
    let is_all = count < ${K}u || count == ${V}u;
    var certain = 0u;
    for (; certain < ${ranked}u && ids[certain] != ${NO_ID}; certain++) {
      let last = raw_logits[${K - 1}];
      let is_certain = logits[certain] > last || (logits[certain] == last && ids[certain] <= raw_ids[${K - 1}]);
      if (!is_all && !is_certain) { break; }
    }
    chosen = choose(settings, certain, is_all);
    packed[at] = log_bits(all.most, all.sum);
    packed[at + 1u] = log_bits(total.x, total.y);
    packed[at + 2u] = bitcast<u32>(f32(count));
    packed[at + 3u] = select(bitcast<u32>(f32(chosen)), ${NO_TOKEN_BITS}, chosen == ${NO_ID});
    tokens[${token.offset}u + row * ${token.stride}u] = chosen;
  }
  let next = workgroupUniformLoad(&chosen);
  for (var i = lane; i < ${H}u; i += ${THREADS}u) {
    var id = next;
    if (i + 1u < ${H}u) { id = history[i + 1u]; }
    next_history[${nextHistory.offset}u + row * ${nextHistory.stride}u + i] = id;
  }
}`;
  const bindings = [
    { name: "call", element: "u32", access: "read" as const },
    { name: "rows", element: "u32", access: "read" as const },
    { name: "lists", element: "u32", access: "read" as const },
    { name: "tokens", element: "u32", access: "read-write" as const },
    { name: "next_history", element: "u32", access: "read-write" as const },
    { name: "packed", element: "u32", access: "read-write" as const },
  ];
  if (packed.width !== packedLength) throw new RangeError("The packed candidates have another length.");
  return {
    kernel: kernelOf("sample_choose", bindings, code),
    label: spec.label,
    operands: [
      { space: "call" },
      scratchOf(logits),
      { space: "scratch", slot: source },
      scratchOf(token),
      scratchOf(nextHistory),
      scratchOf(packed),
    ],
    params: [],
    grid: (size) => [1, activeRows(logits, size), 1],
    weightBytes: 0,
  };
}
