/** WGSL: entries in workgroup memory, and their order: higher logit first, of equal ones the lower id (bitonic sort). */
import { NO_ID, SORT_SIZE, THREADS } from "./layout.js";

/** Logit of an entry that is not there: no token's logit lies below, and ids decide where one is equal. */
export const NO_LOGIT = "-3.4028234663852886e38f";

/** Declares `ids`, `logits`, `put(i, id, logit)`, `clear(from)` and `sort_entries(size)`; all invocations call the last two. */
export const ENTRIES = `
var<workgroup> ids: array<u32, ${SORT_SIZE}>;
var<workgroup> logits: array<f32, ${SORT_SIZE}>;

fn put(i: u32, id: u32, logit: f32) {
  ids[i] = id;
  logits[i] = logit;
}

/** Empties the entries from one on. */
fn clear(lane: u32, begin: u32) {
  for (var i = begin + lane; i < ${SORT_SIZE}u; i += ${THREADS}u) { put(i, ${NO_ID}, ${NO_LOGIT}); }
}

/** Whether entry a belongs after entry b. */
fn is_after(a: u32, b: u32) -> bool {
  return logits[a] < logits[b] || (logits[a] == logits[b] && ids[a] > ids[b]);
}

/** Sorts the first entries; their number is a power of two. */
fn sort_entries(lane: u32, size: u32) {
  workgroupBarrier();
  for (var run = 2u; run <= size; run <<= 1u) {
    for (var step = run >> 1u; step > 0u; step >>= 1u) {
      for (var i = lane; i < size / 2u; i += ${THREADS}u) {
        let a = 2u * step * (i / step) + i % step;
        let b = a + step;
        let ascending = (a & run) == 0u;
        if (is_after(a, b) == ascending) {
          let id = ids[a];
          let logit = logits[a];
          put(a, ids[b], logits[b]);
          put(b, id, logit);
        }
      }
      workgroupBarrier();
    }
  }
}
`;

/** What a logit's bits say: NaN and -Infinity belong to no token. */
export const IS_TOKEN = `
fn is_token(bits: u32) -> bool {
  return (bits & 0x7fffffffu) < 0x7f800000u || bits == 0x7f800000u;
}
`;

/** Sums of exponentials: highest and sum of exp(logit - highest), of all tokens and of those not in the history. */
export const SUMS = `
struct Sums { most: f32, sum: f32, rest_most: f32, rest: f32 }

fn no_sums() -> Sums { return Sums(${NO_LOGIT}, 0, ${NO_LOGIT}, 0); }

fn both(a: Sums, b: Sums) -> Sums {
  let most = max(a.most, b.most);
  let rest_most = max(a.rest_most, b.rest_most);
  return Sums(
    most, a.sum * exp(a.most - most) + b.sum * exp(b.most - most),
    rest_most, a.rest * exp(a.rest_most - rest_most) + b.rest * exp(b.rest_most - rest_most));
}
`;
