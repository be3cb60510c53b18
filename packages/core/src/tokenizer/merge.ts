/**
 * Greedy pair merging, the heart of BPE: repeatedly joins the neighbouring pair of the lowest priority
 * value, leftmost first. Linked list and priority queue: O(n log n) for n symbols, also in one endless word.
 */
import { PairQueue } from "./pair-queue.js";

/** The rules of one vocabulary for one word whose symbols are the nodes 0..n-1. */
export interface PairRules {
  /** Priority (an integer below 2^31, lower merges first) of joining these neighbours, or -1 for never. */
  priority(left: number, right: number): number;
  /** Node `left` now stands for both; `priority` is what this pair was given. */
  merge(left: number, right: number, priority: number): void;
}

/** Up to this many symbols a scan for the best pair beats the queue. */
const SCAN_LIMIT = 40;
/** Scratch kept between words; longer words get their own. */
const KEPT_NODES = 1024;

/** Merges words one after another; keeps scratch memory between them, so not reentrant. */
export class PairMerger {
  private readonly scratch = new Links(KEPT_NODES);

  /** Merges `count` symbols to the end. Returns each node's next live node, -1 after the last; node 0 lives. */
  run(count: number, rules: PairRules): Int32Array {
    const links = count <= KEPT_NODES ? this.scratch : new Links(count);
    const { next, previous, priorities } = links;
    for (let i = 0; i < count; i++) {
      next[i] = i + 1 < count ? i + 1 : -1;
      previous[i] = i - 1;
      priorities[i] = i + 1 < count ? rules.priority(i, i + 1) : -1;
    }
    if (count <= SCAN_LIMIT) mergeByScan(links, rules);
    else mergeByQueue(count, links, rules);
    return next;
  }
}

/** The word as a linked list of live nodes, each with the priority of its pair with the next one. */
class Links {
  readonly next: Int32Array;
  readonly previous: Int32Array;
  readonly priorities: Int32Array;

  constructor(capacity: number) {
    this.next = new Int32Array(capacity);
    this.previous = new Int32Array(capacity);
    this.priorities = new Int32Array(capacity);
  }
}

/** Joins node `left` with the next one and asks the rules about its new neighbours. */
function join({ next, previous, priorities }: Links, left: number, rules: PairRules): void {
  const right = next[left]!;
  rules.merge(left, right, priorities[left]!);
  const after = next[right]!;
  next[left] = after;
  priorities[right] = -1;
  if (after >= 0) previous[after] = left;
  priorities[left] = after >= 0 ? rules.priority(left, after) : -1;
  const before = previous[left]!;
  if (before >= 0) priorities[before] = rules.priority(before, left);
}

function mergeByScan(links: Links, rules: PairRules): void {
  const { next, priorities } = links;
  for (;;) {
    let best = -1;
    let bestPriority = 0;
    for (let i = 0; i >= 0; i = next[i]!) {
      const priority = priorities[i]!;
      if (priority >= 0 && (best < 0 || priority < bestPriority)) {
        best = i;
        bestPriority = priority;
      }
    }
    if (best < 0) return;
    join(links, best, rules);
  }
}

function mergeByQueue(count: number, links: Links, rules: PairRules): void {
  const { previous, priorities } = links;
  const queue = new PairQueue();
  for (let i = 0; i < count; i++) if (priorities[i]! >= 0) queue.push(priorities[i]!, i);
  for (let left = queue.pop(); left >= 0; left = queue.pop()) {
    if (priorities[left] !== queue.priority) continue; // stale: the pair has changed since
    join(links, left, rules);
    if (priorities[left]! >= 0) queue.push(priorities[left]!, left);
    const before = previous[left]!;
    if (before >= 0 && priorities[before]! >= 0) queue.push(priorities[before]!, before);
  }
}
