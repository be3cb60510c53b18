/**
 * Tokens by their first characters: all tokens that begin at a place of a text are found in one walk. Typed arrays, so
 * that hundreds of thousands of tokens are ready in a tenth of a second. Longer tokens than MAX_LENGTH are left out,
 * which bounds a walk.
 */

const MAX_LENGTH = 512;

export class PieceTrie {
  /** Token that ends at a node, or -1. */
  private values: Int32Array;
  /** The edges, hashed by node and UTF-16 unit: where each leads, 0 for an empty slot. */
  private readonly parents: Int32Array;
  private readonly units: Uint16Array;
  private readonly children: Int32Array;
  private readonly mask: number;
  private size = 1;
  // Random, so that no vocabulary can be made to collide on purpose.
  private readonly salt = (Math.random() * 2 ** 32) | 1;

  /** @param entries text and id of each token; of equal texts the last counts */
  constructor(entries: readonly (readonly [text: string, id: number])[]) {
    let units = 0;
    for (const [text] of entries) if (text.length <= MAX_LENGTH) units += text.length;
    let slots = 16;
    while (slots < units * 1.5) slots *= 2;
    this.mask = slots - 1;
    this.parents = new Int32Array(slots);
    this.units = new Uint16Array(slots);
    this.children = new Int32Array(slots);
    this.values = new Int32Array(1024).fill(-1);
    for (const [text, id] of entries) if (text.length > 0 && text.length <= MAX_LENGTH) this.add(text, id);
  }

  private add(text: string, id: number): void {
    let node = 0;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      const slot = this.slot(node, unit);
      if (this.children[slot] === 0) {
        this.parents[slot] = node;
        this.units[slot] = unit;
        this.children[slot] = this.newNode();
      }
      node = this.children[slot]!;
    }
    this.values[node] = id;
  }

  private newNode(): number {
    if (this.size === this.values.length) {
      const grown = new Int32Array(this.size * 2).fill(-1, this.size);
      grown.set(this.values);
      this.values = grown;
    }
    return this.size++;
  }

  /** The slot of that edge, or the empty one where it belongs. */
  private slot(node: number, unit: number): number {
    let hash = Math.imul(node, 0x9e3779b1) ^ Math.imul(unit + 1, this.salt);
    hash = Math.imul(hash ^ (hash >>> 15), this.salt);
    let at = (hash ^ (hash >>> 13)) & this.mask;
    while (this.children[at] !== 0 && (this.parents[at] !== node || this.units[at] !== unit)) {
      at = (at + 1) & this.mask;
    }
    return at;
  }

  /** The node that `unit` leads to from `node` (the root is 0), or 0 if it leads nowhere. */
  next(node: number, unit: number): number {
    return this.children[this.slot(node, unit)]!;
  }

  /** The token that ends at `node`, or -1. */
  value(node: number): number {
    return this.values[node]!;
  }
}
