/** The most likely tokens of a row of logits, found without sorting the vocabulary. */

/**
 * Ids of the `count` highest logits, best first; of equal logits the lower id comes first. Logits that are -Infinity
 * or not numbers are left out, so there may be fewer.
 */
export function topTokens(logits: Float32Array, count: number): Int32Array {
  if (count === 1) return bestToken(logits);
  const heap = new Int32Array(Math.min(count, logits.length)); // the worst kept token is at the root
  let size = 0;
  let worst = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length && heap.length > 0; id++) {
    const logit = logits[id]!;
    if (!(logit > worst)) continue; // ids ascend, so an equal logit never replaces; NaN compares false
    if (size < heap.length) siftUp(heap, size++, id, logits);
    else siftDown(heap, size, id, logits);
    if (size === heap.length) worst = logits[heap[0]!]!;
  }
  return heap.subarray(0, size).sort((a, b) => logits[b]! - logits[a]! || a - b);
}

/** The one of the highest logit, without a heap: every choice begins with it. */
function bestToken(logits: Float32Array): Int32Array {
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (!(logit > most)) continue;
    most = logit;
    best = id;
  }
  return best < 0 ? new Int32Array(0) : Int32Array.of(best);
}

/** log(sum(exp(logits))) without those that are -Infinity or not numbers; -Infinity if none is left. */
export function logSumExp(logits: Float32Array): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > most) most = logits[id]!;
  if (!Number.isFinite(most)) return most;
  let sum = 0;
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!;
    if (logit > Number.NEGATIVE_INFINITY) sum += Math.exp(logit - most);
  }
  return most + Math.log(sum);
}

/** Whether token a is to be dropped before token b. */
function worse(a: number, b: number, logits: Float32Array): boolean {
  const [x, y] = [logits[a]!, logits[b]!];
  return x < y || (x === y && a > b);
}

function siftUp(heap: Int32Array, start: number, id: number, logits: Float32Array): void {
  let at = start;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!worse(id, heap[parent]!, logits)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = id;
}

/** Replaces the root by `id`. */
function siftDown(heap: Int32Array, size: number, id: number, logits: Float32Array): void {
  let at = 0;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    if (child + 1 < size && worse(heap[child + 1]!, heap[child]!, logits)) child++;
    if (!worse(heap[child]!, id, logits)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = id;
}
