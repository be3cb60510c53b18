/** What was entered before, walked with the arrow keys; the unfinished entry waits at its end. */

export class History {
  readonly #entries: string[] = [];
  /** Equals the number of entries while none is shown. */
  #position = 0;
  #draft = "";

  add(entry: string): void {
    if (entry.trim() !== "" && entry !== this.#entries[this.#entries.length - 1]) this.#entries.push(entry);
    this.#position = this.#entries.length;
    this.#draft = "";
  }

  /** The entry before the one shown; `current` is kept if it is the unfinished one. */
  previous(current: string): string | undefined {
    if (this.#position === 0) return undefined;
    if (this.#position === this.#entries.length) this.#draft = current;
    return this.#entries[--this.#position];
  }

  /** The entry after the one shown, at last the unfinished one. */
  next(): string | undefined {
    if (this.#position === this.#entries.length) return undefined;
    this.#position++;
    return this.#entries[this.#position] ?? this.#draft;
  }
}
