/**
 * A text being edited and the cursor in it, in graphemes: what a person sees as one character is one step.
 * Pure; knows no terminal.
 */

const SEGMENTER = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const NEWLINE = "\n";

export class EditBuffer {
  #graphemes: string[] = [];
  /** Graphemes before the cursor. */
  #cursor = 0;

  get text(): string {
    return this.#graphemes.join("");
  }

  get graphemes(): readonly string[] {
    return this.#graphemes;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** Replaces the text and puts the cursor at its end. */
  set(text: string): void {
    this.#graphemes = split(text);
    this.#cursor = this.#graphemes.length;
  }

  insert(text: string): void {
    // A combining character joins the grapheme before it, a base the mark after it: split the three together.
    const before = this.#graphemes[this.#cursor - 1] ?? "";
    const after = this.#graphemes[this.#cursor] ?? "";
    const start = this.#cursor - (before === "" ? 0 : 1);
    const parts = split(before + text + after);
    this.#graphemes = [
      ...this.#graphemes.slice(0, start),
      ...parts,
      ...this.#graphemes.slice(this.#cursor + (after === "" ? 0 : 1)),
    ];
    const length = before.length + text.length;
    let index = start;
    for (let units = 0; units < length; index++) units += this.#graphemes[index]!.length;
    this.#cursor = index;
  }

  left(): void {
    this.#cursor = Math.max(0, this.#cursor - 1);
  }

  right(): void {
    this.#cursor = Math.min(this.#graphemes.length, this.#cursor + 1);
  }

  wordLeft(): void {
    while (this.#cursor > 0 && !isWord(this.#graphemes[this.#cursor - 1]!)) this.#cursor--;
    while (this.#cursor > 0 && isWord(this.#graphemes[this.#cursor - 1]!)) this.#cursor--;
  }

  wordRight(): void {
    const { length } = this.#graphemes;
    while (this.#cursor < length && !isWord(this.#graphemes[this.#cursor]!)) this.#cursor++;
    while (this.#cursor < length && isWord(this.#graphemes[this.#cursor]!)) this.#cursor++;
  }

  lineStart(): void {
    while (this.#cursor > 0 && this.#graphemes[this.#cursor - 1] !== NEWLINE) this.#cursor--;
  }

  lineEnd(): void {
    const { length } = this.#graphemes;
    while (this.#cursor < length && this.#graphemes[this.#cursor] !== NEWLINE) this.#cursor++;
  }

  /** To the line above, as near to the same column as it goes; false in the first line. */
  up(): boolean {
    const column = this.#column();
    this.lineStart();
    if (this.#cursor === 0) return this.#restore(column);
    this.#cursor--;
    const length = this.#column();
    this.lineStart();
    this.#cursor += Math.min(column, length);
    return true;
  }

  /** To the line below, as near to the same column as it goes; false in the last line. */
  down(): boolean {
    const column = this.#column();
    const from = this.#cursor;
    this.lineEnd();
    if (this.#cursor === this.#graphemes.length) {
      this.#cursor = from;
      return false;
    }
    this.#cursor++;
    const start = this.#cursor;
    this.lineEnd();
    this.#cursor = Math.min(start + column, this.#cursor);
    return true;
  }

  deleteBackward(): void {
    this.#remove(Math.max(0, this.#cursor - 1), this.#cursor);
  }

  deleteForward(): void {
    this.#remove(this.#cursor, Math.min(this.#graphemes.length, this.#cursor + 1));
  }

  deleteWordBackward(): void {
    const end = this.#cursor;
    this.wordLeft();
    this.#remove(this.#cursor, end);
  }

  deleteToLineStart(): void {
    const end = this.#cursor;
    this.lineStart();
    this.#remove(this.#cursor, end);
  }

  deleteToLineEnd(): void {
    const start = this.#cursor;
    this.lineEnd();
    this.#remove(start, this.#cursor);
  }

  #column(): number {
    let start = this.#cursor;
    while (start > 0 && this.#graphemes[start - 1] !== NEWLINE) start--;
    return this.#cursor - start;
  }

  #restore(column: number): false {
    this.#cursor += column;
    return false;
  }

  #remove(start: number, end: number): void {
    this.#graphemes = [...this.#graphemes.slice(0, start), ...this.#graphemes.slice(end)];
    this.#cursor = start;
  }
}

function split(text: string): string[] {
  return Array.from(SEGMENTER.segment(text), ({ segment }) => segment);
}

function isWord(grapheme: string): boolean {
  return /[\p{L}\p{N}_]/u.test(grapheme);
}
