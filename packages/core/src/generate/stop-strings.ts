/** Finds stop strings in a stream of text. Text that may still become one is held back. */

/** What a piece of text set free, and the stop string that it completed, if any. */
export interface StopScan {
  readonly text: string;
  readonly stop: string | undefined;
}

export class StopStrings {
  readonly #stops: readonly string[];
  #held = "";

  constructor(stops: readonly string[]) {
    this.#stops = stops;
  }

  /** Takes the next text. After a stop was found the scanner is spent. */
  push(text: string): StopScan {
    const buffer = this.#held + text;
    const found = this.#firstStop(buffer);
    if (found) return { text: buffer.slice(0, found.index), stop: found.stop };
    const free = buffer.length - this.#possibleStart(buffer);
    this.#held = buffer.slice(free);
    return { text: buffer.slice(0, free), stop: undefined };
  }

  /** What was held back: the text ended before it became a stop string. */
  end(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }

  /** The stop string that begins first; of several at one place, the one listed first. */
  #firstStop(buffer: string): { readonly index: number; readonly stop: string } | undefined {
    let first: { readonly index: number; readonly stop: string } | undefined;
    for (const stop of this.#stops) {
      const index = buffer.indexOf(stop);
      if (index >= 0 && (first === undefined || index < first.index)) first = { index, stop };
    }
    return first;
  }

  /** Length of the longest end of `buffer` that is the beginning of a stop string. */
  #possibleStart(buffer: string): number {
    let longest = 0;
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, buffer.length); length > longest; length--) {
        if (buffer.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
