/**
 * Ids of tokens by their texts, for look-ups of parts of longer texts: a vocabulary's merges name a hundred thousand
 * pieces, and making a string of each would take longer than all else. Of tokens with one text the last one set counts.
 */
export class TokenTable {
  readonly #tokens: readonly string[];
  /** Id + 1; 0 where there is none. */
  readonly #slots: Int32Array;
  readonly #mask: number;
  // Random, so that no vocabulary can be made to collide on purpose.
  readonly #salt = (Math.random() * 2 ** 32) | 1;

  /** @param tokens texts by id; at most all of them will be set */
  constructor(tokens: readonly string[]) {
    let slots = 16;
    while (slots < tokens.length * 2) slots *= 2;
    this.#tokens = tokens;
    this.#slots = new Int32Array(slots);
    this.#mask = slots - 1;
  }

  set(id: number): void {
    const text = this.#tokens[id]!;
    const { length } = text;
    this.#slots[this.#slot(this.#hash(1, text, 0, length), text, 0, length, length)] = id + 1;
  }

  /** The token whose text is characters [start, end) of `text`. */
  get(text: string, start = 0, end = text.length): number | undefined {
    const slot = this.#slot(this.#hash(1, text, start, end), text, start, end, end);
    return idOf(this.#slots[slot]!);
  }

  /** The token whose text is characters [start, gap) and (gap, end) of `text`, without the one at `gap`. */
  getJoined(text: string, start: number, gap: number, end: number): number | undefined {
    const hash = this.#hash(this.#hash(1, text, start, gap), text, gap + 1, end);
    return idOf(this.#slots[this.#slot(hash, text, start, gap, end)]!);
  }

  /** The token whose text is `left` followed by `right`. */
  getConcatenation(left: string, right: string): number | undefined {
    const length = left.length + right.length;
    const hash = this.#hash(this.#hash(1, left, 0, left.length), right, 0, right.length);
    const slots = this.#slots;
    const mask = this.#mask;
    let at = (hash ^ (hash >>> 13)) & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      const token = this.#tokens[slot - 1]!;
      if (token.length === length && token.startsWith(left) && token.endsWith(right)) return slot - 1;
      at = (at + 1) & mask;
    }
    return undefined;
  }

  /** Goes on from `hash`. A shift after each product: sums of products alone collide for any factor. */
  #hash(hash: number, text: string, start: number, end: number): number {
    for (let i = start; i < end; i++) {
      hash = Math.imul(hash ^ text.charCodeAt(i), this.#salt);
      hash ^= hash >>> 15;
    }
    return hash;
  }

  /** The slot of that text, or the empty one where it belongs. `gap` is left out; `end` where nothing is. */
  #slot(hash: number, text: string, start: number, gap: number, end: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let at = (hash ^ (hash >>> 13)) & mask;
    for (let slot = slots[at]!; slot !== 0; slot = slots[at]!) {
      if (isJoined(this.#tokens[slot - 1]!, text, start, gap, end)) break;
      at = (at + 1) & mask;
    }
    return at;
  }
}

function idOf(slot: number): number | undefined {
  return slot === 0 ? undefined : slot - 1;
}

function isJoined(token: string, text: string, start: number, gap: number, end: number): boolean {
  if (token.length !== (gap < end ? end - start - 1 : end - start)) return false;
  const first = gap - start;
  for (let i = 0; i < first; i++) if (token.charCodeAt(i) !== text.charCodeAt(start + i)) return false;
  for (let i = first; i < token.length; i++)
    if (token.charCodeAt(i) !== text.charCodeAt(start + i + 1)) return false;
  return true;
}
