/**
 * A hash table from a pair of token ids to the rank of its merge, in typed arrays: several times faster to
 * fill and to ask than a Map of composite keys. The first rank given to a pair stays.
 */
export class PairTable {
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  private readonly ranks: Int32Array;
  private readonly mask: number;
  // Random, so that no vocabulary can be made to collide on purpose.
  private readonly saltLeft = (Math.random() * 2 ** 32) | 1;
  private readonly saltRight = (Math.random() * 2 ** 32) | 1;

  /** @param capacity the most pairs that will be set */
  constructor(capacity: number) {
    let slots = 16;
    while (slots < capacity * 2) slots *= 2;
    this.mask = slots - 1;
    this.lefts = new Int32Array(slots).fill(-1);
    this.rights = new Int32Array(slots);
    this.ranks = new Int32Array(slots);
  }

  /** The slot that holds the pair, or the empty one where it belongs. */
  private slot(left: number, right: number): number {
    let hash = Math.imul(left, this.saltLeft) ^ Math.imul(right, this.saltRight);
    hash = Math.imul(hash ^ (hash >>> 15), this.saltRight);
    let at = (hash ^ (hash >>> 13)) & this.mask;
    while (this.lefts[at]! >= 0 && (this.lefts[at] !== left || this.rights[at] !== right)) {
      at = (at + 1) & this.mask;
    }
    return at;
  }

  set(left: number, right: number, rank: number): void {
    const at = this.slot(left, right);
    if (this.lefts[at]! >= 0) return;
    this.lefts[at] = left;
    this.rights[at] = right;
    this.ranks[at] = rank;
  }

  /** The rank of the pair, or -1. Ids are non-negative. */
  get(left: number, right: number): number {
    const at = this.slot(left, right);
    return this.lefts[at]! >= 0 ? this.ranks[at]! : -1;
  }
}
