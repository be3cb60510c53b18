/**
 * A hash table from a pair of token ids to the rank of its merge, in typed arrays: several times faster to
 * fill and to ask than a Map of composite keys. The first rank given to a pair stays.
 */
export class PairTable {
  /** The pair of each rank. */
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  /** Rank + 1; 0 where there is none. */
  private readonly slots: Int32Array;
  private readonly mask: number;
  // Random, so that no vocabulary can be made to collide on purpose.
  private readonly saltLeft = (Math.random() * 2 ** 32) | 1;
  private readonly saltRight = (Math.random() * 2 ** 32) | 1;

  /** @param ranks how many there are, from 0 */
  constructor(ranks: number) {
    let slots = 16;
    while (slots < ranks * 2) slots *= 2;
    this.mask = slots - 1;
    this.lefts = new Int32Array(ranks);
    this.rights = new Int32Array(ranks);
    this.slots = new Int32Array(slots);
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  private slot(left: number, right: number): number {
    const { slots, lefts, rights, mask } = this;
    let hash = Math.imul(left, this.saltLeft) ^ Math.imul(right, this.saltRight);
    hash = Math.imul(hash ^ (hash >>> 15), this.saltRight);
    let at = (hash ^ (hash >>> 13)) & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if (lefts[slot - 1] === left && rights[slot - 1] === right) break;
      at = (at + 1) & mask;
    }
    return at;
  }

  set(left: number, right: number, rank: number): void {
    const at = this.slot(left, right);
    if (this.slots[at] !== 0) return;
    this.slots[at] = rank + 1;
    this.lefts[rank] = left;
    this.rights[rank] = right;
  }

  /** The rank of the pair, or -1. Ids are non-negative. */
  get(left: number, right: number): number {
    return this.slots[this.slot(left, right)]! - 1;
  }
}
