/**
 * The KV cache of one model: sequences over blocks of rows, shared prefixes, and what to forget when memory is short.
 * Sequences that ended stay as idle ones, so that a prompt that begins like one of them need not be computed again.
 * A block shared by sequences is copied before one of them writes to it. Knows rows, not what they hold.
 */
import type { State } from "../backend/backend.js";
import { isMilletError, MilletError } from "../errors.js";
import { BlockAllocator } from "./block-allocator.js";
import { commonPrefix, type Sequence } from "./sequence.js";

/** Blocks reserved at first, and by which factor more each time: reserving may move the cache. */
const FIRST_RESERVE = 8;
const RESERVE_GROWTH = 1.5;

class CachedSequence implements Sequence {
  readonly tokens: number[] = [];
  readonly blocks: number[] = [];
}

export class KvCache {
  readonly state: State;
  readonly blockRows: number;
  readonly #allocator: BlockAllocator;
  readonly #open = new Set<CachedSequence>();
  /** The longest unused first. */
  readonly #idle: CachedSequence[] = [];
  readonly #maxIdle: number;
  #reserved = 0;

  /** @param maxIdle most ended sequences that are remembered */
  constructor(state: State, maxIdle: number) {
    this.state = state;
    this.blockRows = state.plan.blockRows;
    this.#allocator = new BlockAllocator(state.plan.maxBlocks);
    this.#maxIdle = maxIdle;
  }

  /** Blocks that sequences hold, idle ones included. */
  get usedBlocks(): number {
    return this.#allocator.used;
  }

  /**
   * A sequence that holds as much of the beginning of `prompt` as the cache knows, at most `limit` tokens. The caller
   * owns it until `close` or `drop`.
   */
  open(prompt: readonly number[], limit: number): Sequence {
    const idle = this.#longestMatch(prompt, limit);
    const sequence = idle === undefined ? new CachedSequence() : this.#continue(idle, prompt, limit);
    this.#open.add(sequence);
    return sequence;
  }

  /** An open sequence that holds the same rows, without copying them. */
  fork(sequence: Sequence): Sequence {
    const copy = this.#fork(this.#own(sequence), sequence.tokens.length);
    this.#open.add(copy);
    return copy;
  }

  /** Ends the use of a sequence but remembers it until its memory is needed. */
  close(sequence: Sequence): void {
    const own = this.#own(sequence);
    this.#open.delete(own);
    this.#idle.push(own);
    while (this.#idle.length > this.#maxIdle) this.#forgetOldest();
  }

  /** Frees a sequence, open or idle. One that is forgotten already is fine. */
  drop(sequence: Sequence): void {
    if (!(sequence instanceof CachedSequence)) return;
    const index = this.#idle.indexOf(sequence);
    if (index >= 0) this.#idle.splice(index, 1);
    else if (!this.#open.delete(sequence)) return;
    this.#free(sequence, 0);
  }

  /** Forgets the rows of an open sequence from `length` on. */
  truncate(sequence: Sequence, length: number): void {
    this.#free(this.#own(sequence), length);
  }

  /**
   * Makes room for `count` more rows of an open sequence, in blocks that no other sequence sees.
   * @throws MilletError OUT_OF_MEMORY once forgetting idle sequences does not help
   */
  async extend(sequence: Sequence, count: number): Promise<void> {
    const own = this.#own(sequence);
    const length = own.tokens.length;
    if (length % this.blockRows > 0) await this.#ownBlock(own, Math.floor(length / this.blockRows));
    while (own.blocks.length * this.blockRows < length + count) own.blocks.push(await this.#allocate());
  }

  /** Notes that the rows after the last now hold `tokens`. */
  append(sequence: Sequence, tokens: readonly number[]): void {
    const own = this.#own(sequence);
    for (const token of tokens) own.tokens.push(token);
  }

  /** Cache row of the `index`-th row of a sequence. */
  row(sequence: Sequence, index: number): number {
    const block = sequence.blocks[Math.floor(index / this.blockRows)]!;
    return block * this.blockRows + (index % this.blockRows);
  }

  #own(sequence: Sequence): CachedSequence {
    if (sequence instanceof CachedSequence && this.#open.has(sequence)) return sequence;
    throw new MilletError("DISPOSED", "The sequence is closed, or belongs to another KV cache.");
  }

  #longestMatch(prompt: readonly number[], limit: number): CachedSequence | undefined {
    let best: CachedSequence | undefined;
    let most = 0;
    for (const idle of this.#idle) {
      const length = commonPrefix(idle.tokens, prompt, limit);
      if (length <= most) continue;
      most = length;
      best = idle;
    }
    return best;
  }

  /** The idle sequence itself if the prompt goes on from its end, else a fork of what they share. */
  #continue(idle: CachedSequence, prompt: readonly number[], limit: number): CachedSequence {
    const length = commonPrefix(idle.tokens, prompt, limit);
    if (length < idle.tokens.length) return this.#fork(idle, length);
    this.#idle.splice(this.#idle.indexOf(idle), 1);
    return idle;
  }

  #fork(source: CachedSequence, length: number): CachedSequence {
    const copy = new CachedSequence();
    copy.tokens.push(...source.tokens.slice(0, length));
    copy.blocks.push(...source.blocks.slice(0, Math.ceil(length / this.blockRows)));
    for (const block of copy.blocks) this.#allocator.share(block);
    return copy;
  }

  #free(sequence: CachedSequence, length: number): void {
    sequence.tokens.length = Math.min(sequence.tokens.length, length);
    const needed = Math.ceil(sequence.tokens.length / this.blockRows);
    for (const block of sequence.blocks.splice(needed)) this.#allocator.release(block);
  }

  #forgetOldest(): boolean {
    const oldest = this.#idle.shift();
    if (oldest !== undefined) this.#free(oldest, 0);
    return oldest !== undefined;
  }

  /** Gives a sequence its own copy of its last block if others see the block too. */
  async #ownBlock(sequence: CachedSequence, index: number): Promise<void> {
    const { blockRows } = this;
    const old = sequence.blocks[index]!;
    if (!this.#allocator.isShared(old)) return;
    const block = await this.#allocate().catch((error: unknown) => {
      if (this.#allocator.isShared(old)) throw error;
      return undefined; // looking for room made the others forget it
    });
    if (block === undefined) return;
    await this.state.copy(old * blockRows, block * blockRows, sequence.tokens.length % blockRows);
    sequence.blocks[index] = block;
    this.#allocator.release(old);
  }

  /** A free block with memory behind it. */
  async #allocate(): Promise<number> {
    for (;;) {
      const block = this.#allocator.allocate();
      if (block === undefined) {
        if (!this.#forgetOldest()) throw this.#full();
        continue;
      }
      try {
        await this.#reserve(block + 1);
        return block;
      } catch (error) {
        this.#allocator.release(block);
        const outOfMemory = isMilletError(error) && error.code === "OUT_OF_MEMORY";
        if (!outOfMemory || !this.#forgetOldest()) throw error;
      }
    }
  }

  async #reserve(blocks: number): Promise<void> {
    if (blocks <= this.#reserved) return;
    const generous = Math.max(blocks, FIRST_RESERVE, Math.ceil(this.#reserved * RESERVE_GROWTH));
    const target = Math.min(generous, this.#allocator.capacity);
    try {
      await this.state.reserve(target);
      this.#reserved = target;
    } catch (error) {
      if (target === blocks) throw error;
      await this.state.reserve(blocks); // what is needed may still fit
      this.#reserved = blocks;
    }
  }

  #full(): MilletError {
    const tokens = this.#allocator.capacity * this.blockRows;
    return new MilletError(
      "OUT_OF_MEMORY",
      `The KV cache is full: ${this.#open.size} running generations hold all of its ${tokens} tokens. ` +
        "Run fewer at once, or load the model with a larger kvCapacityTokens.",
      { details: { kvCapacityTokens: tokens } },
    );
  }
}

/** Whether an error says that the cache is as full as it was planned to be: more memory would not help. */
export function isCacheFull(error: MilletError): boolean {
  return error.code === "OUT_OF_MEMORY" && "kvCapacityTokens" in error.details;
}
