/** Remembers the ids of short words. Bounded: it starts afresh when full. */

/** V8 makes longer substrings views that would keep the whole text alive. */
const MAX_WORD_LENGTH = 12;
const MAX_WORDS = 2 ** 15;

export class WordCache {
  private readonly words = new Map<string, readonly number[]>();

  get(word: string): readonly number[] | undefined {
    return word.length <= MAX_WORD_LENGTH ? this.words.get(word) : undefined;
  }

  /** The ids of `word` are those from `from` on in `output`. */
  set(word: string, output: readonly number[], from: number): void {
    if (word.length > MAX_WORD_LENGTH) return;
    if (this.words.size >= MAX_WORDS) this.words.clear();
    this.words.set(word, output.slice(from));
  }
}
