/** Which blocks of the KV cache are free, and how many sequences share each of the others. Holds no rows. */

export class BlockAllocator {
  /** Owners of each block; 0: free. [capacity] */
  readonly #owners: Uint32Array;
  /** No block below this one is free. */
  #firstFree = 0;
  #used = 0;

  constructor(capacity: number) {
    this.#owners = new Uint32Array(capacity);
  }

  get capacity(): number {
    return this.#owners.length;
  }

  get used(): number {
    return this.#used;
  }

  /** The lowest free block, now owned once, so that memory stays dense; undefined if all are taken. */
  allocate(): number | undefined {
    const block = this.#owners.indexOf(0, this.#firstFree);
    if (block < 0) return undefined;
    this.#owners[block] = 1;
    this.#firstFree = block + 1;
    this.#used++;
    return block;
  }

  /** One more owner of a block in use. */
  share(block: number): void {
    this.#owners[block]!++;
  }

  isShared(block: number): boolean {
    return this.#owners[block]! > 1;
  }

  /** One owner less; without owners the block is free. */
  release(block: number): void {
    if (--this.#owners[block]! > 0) return;
    this.#firstFree = Math.min(this.#firstFree, block);
    this.#used--;
  }
}
