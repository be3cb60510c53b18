/**
 * Greedy pair merging, the heart of BPE: repeatedly joins the neighbouring pair of the lowest priority
 * value, leftmost first. Linked list and binary heap: O(n log n) for n symbols, also in one endless word.
 */

/** The rules of one vocabulary for one word whose symbols are the nodes 0..n-1. */
export interface PairRules {
  /** Priority (an integer below 2^21, lower merges first) of joining these neighbours, or -1 for never. */
  priority(left: number, right: number): number;
  /** Node `left` now stands for both; `priority` is what this pair was given. */
  merge(left: number, right: number, priority: number): void;
}

const POSITIONS = 2 ** 32;
/** Up to this many symbols a scan for the best pair beats the heap. */
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
    else mergeByHeap(count, links, rules);
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

function mergeByHeap(count: number, links: Links, rules: PairRules): void {
  const { previous, priorities } = links;
  // A key packs (priority, position). An entry is stale once its node's priority has changed.
  const heap = new KeyHeap(count);
  for (let i = 0; i < count; i++) if (priorities[i]! >= 0) heap.append(priorities[i]! * POSITIONS + i);
  heap.order();
  for (let key = heap.pop(); key >= 0; key = heap.pop()) {
    const left = key % POSITIONS;
    if (priorities[left] !== (key - left) / POSITIONS) continue;
    join(links, left, rules);
    if (priorities[left]! >= 0) heap.push(priorities[left]! * POSITIONS + left);
    const before = previous[left]!;
    if (before >= 0 && priorities[before]! >= 0) heap.push(priorities[before]! * POSITIONS + before);
  }
}

/** A min-heap of non-negative numbers below 2^53, four children a node: shallow, and kind to caches. */
class KeyHeap {
  private keys: Float64Array;
  private size = 0;

  constructor(capacity: number) {
    this.keys = new Float64Array(Math.max(capacity, 16));
  }

  /** Adds a key without ordering; {@link order} must follow before the first pop. */
  append(key: number): void {
    this.keys[this.size++] = key;
  }

  order(): void {
    for (let at = (this.size - 2) >> 2; at >= 0; at--) this.sink(at, this.keys[at]!);
  }

  push(key: number): void {
    if (this.size === this.keys.length) {
      const grown = new Float64Array(this.size * 2);
      grown.set(this.keys);
      this.keys = grown;
    }
    const keys = this.keys;
    let at = this.size++;
    while (at > 0) {
      const parent = (at - 1) >> 2;
      if (keys[parent]! <= key) break;
      keys[at] = keys[parent]!;
      at = parent;
    }
    keys[at] = key;
  }

  /** The smallest key, or -1 if the heap is empty. */
  pop(): number {
    if (this.size === 0) return -1;
    const top = this.keys[0]!;
    const last = this.keys[--this.size]!;
    if (this.size > 0) this.sink(0, last);
    return top;
  }

  private sink(from: number, key: number): void {
    const keys = this.keys;
    const size = this.size;
    let at = from;
    for (let child = 4 * at + 1; child < size; child = 4 * at + 1) {
      let least = child;
      const end = Math.min(child + 4, size);
      for (let other = child + 1; other < end; other++) if (keys[other]! < keys[least]!) least = other;
      if (keys[least]! >= key) break;
      keys[at] = keys[least]!;
      at = least;
    }
    keys[at] = key;
  }
}
