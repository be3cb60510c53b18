/**
 * Ids of tokens by their texts, for look-ups of parts of longer texts: a vocabulary's merges name a hundred thousand
 * pieces, and making a string of each would take longer than all else. Of tokens with one text the last one set counts.
 */
import { type TextList, writeUnits } from "../platform/text-list.js";

export class TokenTable {
  readonly #units: Uint16Array;
  readonly #starts: Uint32Array;
  /** Id + 1; 0 where there is none. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  // Random, so that no vocabulary can be made to collide on purpose.
  readonly #salt = (Math.random() * 2 ** 32) | 1;
  /** Room for a text that is looked up: no longer than the longest token. */
  readonly #scratch: Uint16Array;
  #hasEqualTexts = false;

  /** @param texts by id; at most all of them will be set */
  constructor(texts: TextList) {
    let slots = 16;
    while (slots < texts.length * 2) slots *= 2;
    this.#units = texts.units;
    this.#starts = texts.starts;
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
    this.#scratch = new Uint16Array(longest(texts));
  }

  set(id: number): void {
    const start = this.#starts[id]!;
    const end = this.#starts[id + 1]!;
    const slot = this.#slot(this.#units, start, end, end, end);
    if (this.#slots[slot] !== 0) this.#hasEqualTexts = true;
    this.#slots[slot] = id + 1;
  }

  get(text: string): number | undefined {
    const { length } = text;
    if (length > this.#scratch.length) return undefined;
    writeUnits(text, this.#scratch, 0);
    return this.getUnits(this.#scratch, 0, length, length, length);
  }

  /** The token whose text is units [start, gap) followed by [resume, end). */
  getUnits(units: Uint16Array, start: number, gap: number, resume: number, end: number): number | undefined {
    const slot = this.#slots[this.#slot(units, start, gap, resume, end)]!;
    return slot === 0 ? undefined : slot - 1;
  }

  /** Whether {@link getUnits} gives token `id`, which was set: without looking for it, so false where in doubt. */
  isSurely(id: number, units: Uint16Array, start: number, gap: number, resume: number, end: number): boolean {
    return !this.#hasEqualTexts && this.#equals(id, units, start, gap, resume, end);
  }

  /** The slot of that text, or the empty one where it belongs. */
  #slot(units: Uint16Array, start: number, gap: number, resume: number, end: number): number {
    // A shift after each product: sums of products alone collide for any factor.
    const salt = this.#salt;
    let hash = 1;
    for (let i = start; i < gap; i++) {
      hash = Math.imul(hash ^ units[i]!, salt);
      hash ^= hash >>> 15;
    }
    for (let i = resume; i < end; i++) {
      hash = Math.imul(hash ^ units[i]!, salt);
      hash ^= hash >>> 15;
    }
    const slots = this.#slots;
    const mask = this.#mask;
    let at = (hash ^ (hash >>> 13)) & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if (this.#equals(slot - 1, units, start, gap, resume, end)) break;
      at = (at + 1) & mask;
    }
    return at;
  }

  #equals(id: number, units: Uint16Array, start: number, gap: number, resume: number, end: number): boolean {
    const own = this.#units;
    let at = this.#starts[id]!;
    if (this.#starts[id + 1]! - at !== gap - start + (end - resume)) return false;
    for (let i = start; i < gap; i++) if (own[at++] !== units[i]) return false;
    for (let i = resume; i < end; i++) if (own[at++] !== units[i]) return false;
    return true;
  }
}

function longest({ starts }: TextList): number {
  let most = 0;
  for (let i = 1; i < starts.length; i++) {
    const length = starts[i]! - starts[i - 1]!;
    if (length > most) most = length;
  }
  return most;
}
