/**
 * Cuts text where no merge can ever reach across, so that the parts can be merged one by one and remembered: between
 * two characters that stand side by side in no token. Exact for all of them: what a merge makes is a token.
 */

import type { Vocabulary } from "./vocabulary.js";

const BITS = 23;

export class JoinedBigrams {
  /** A bit per hash of two UTF-16 units. A collision costs a cut and nothing else. */
  private readonly bits = new Uint8Array(1 << (BITS - 3));

  /** @param vocabulary whose text tokens are what merging may produce */
  constructor(vocabulary: Vocabulary) {
    const { units, starts } = vocabulary.texts;
    for (let id = 0; id < vocabulary.size; id++) {
      if (!vocabulary.isText(id)) continue;
      const end = starts[id + 1]!;
      for (let i = starts[id]! + 1; i < end; i++) {
        const hash = hashOf(units[i - 1]!, units[i]!);
        this.bits[hash >>> 3]! |= 1 << (hash & 7);
      }
    }
  }

  /** The end of the part that starts at `at`; always beyond `at`, and never within a character. */
  end(text: string, at: number): number {
    let previous = text.charCodeAt(at);
    for (let i = at + 1; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if ((unit & 0xfc00) !== 0xdc00) {
        const hash = hashOf(previous, unit);
        if ((this.bits[hash >>> 3]! & (1 << (hash & 7))) === 0) return i;
      }
      previous = unit;
    }
    return text.length;
  }
}

function hashOf(left: number, right: number): number {
  const hash = Math.imul((left << 16) | right, 0x9e3779b1);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) >>> (32 - BITS);
}
