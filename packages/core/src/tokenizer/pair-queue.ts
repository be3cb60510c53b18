/**
 * The queue of pairs that wait to be merged: by priority, then by position. One small heap of positions per
 * priority, since a word has many pairs but few distinct ones: several times kinder to caches than one heap.
 */

export class PairQueue {
  private readonly buckets = new Map<number, MinHeap>();
  private readonly waiting = new MinHeap();
  /** The priority of the pair that the last pop returned. */
  priority = -1;

  /** @param priority and position: non-negative 31-bit integers */
  push(priority: number, position: number): void {
    let bucket = this.buckets.get(priority);
    if (bucket === undefined) {
      this.buckets.set(priority, (bucket = new MinHeap()));
      this.waiting.push(priority);
    }
    bucket.push(position);
  }

  /** The position of the first pair, or -1 if none waits. */
  pop(): number {
    for (;;) {
      const priority = this.waiting.peek();
      if (priority < 0) return -1;
      const position = this.buckets.get(priority)!.pop();
      if (position >= 0) {
        this.priority = priority;
        return position;
      }
      this.buckets.delete(priority);
      this.waiting.pop();
    }
  }
}

/** A min-heap of non-negative 31-bit integers with four children a node; ascending pushes cost O(1). */
class MinHeap {
  private keys = new Int32Array(8);
  private size = 0;

  /** The smallest key, or -1. */
  peek(): number {
    return this.size > 0 ? this.keys[0]! : -1;
  }

  push(key: number): void {
    if (this.size === this.keys.length) {
      const grown = new Int32Array(this.size * 2);
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

  /** Takes the smallest key, or -1. */
  pop(): number {
    if (this.size === 0) return -1;
    const keys = this.keys;
    const top = keys[0]!;
    const size = --this.size;
    const key = keys[size]!;
    let at = 0;
    for (let child = 1; child < size; child = 4 * at + 1) {
      let least = child;
      const end = Math.min(child + 4, size);
      for (let other = child + 1; other < end; other++) if (keys[other]! < keys[least]!) least = other;
      if (keys[least]! >= key) break;
      keys[at] = keys[least]!;
      at = least;
    }
    keys[at] = key;
    return top;
  }
}
