/**
 * Many texts in two typed arrays: a vocabulary with its merges has hundreds of thousands, and as strings most of them
 * would be made, kept and collected for nothing. A string is made when one is asked for.
 */

/** Units that become a string at a time: engines limit the number of arguments. */
const PIECE = 4096;

export class TextList {
  /** The UTF-16 units of all texts, one after another; there may be more room behind them. */
  readonly units: Uint16Array;
  /** Text `i` is units [starts[i], starts[i + 1]). // [length + 1] */
  readonly starts: Uint32Array;

  constructor(units: Uint16Array, starts: Uint32Array) {
    this.units = units;
    this.starts = starts;
  }

  static of(texts: readonly string[]): TextList {
    const starts = new Uint32Array(texts.length + 1);
    let total = 0;
    for (let i = 0; i < texts.length; i++) starts[i + 1] = total += texts[i]!.length;
    const units = new Uint16Array(total);
    for (let i = 0, at = 0; i < texts.length; i++) at = writeUnits(texts[i]!, units, at);
    return new TextList(units, starts);
  }

  get length(): number {
    return this.starts.length - 1;
  }

  /** Text `index`, a new string on every call. */
  text(index: number): string {
    return textOf(this.units, this.starts[index]!, this.starts[index + 1]!);
  }

  strings(): string[] {
    return Array.from({ length: this.length }, (_, index) => this.text(index));
  }
}

/** The text of units [start, end). */
export function textOf(units: Uint16Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += PIECE) {
    text += Reflect.apply(String.fromCharCode, undefined, units.subarray(at, Math.min(at + PIECE, end)));
  }
  return text;
}

/** Writes the units of `text` at `at`; returns where they end. */
export function writeUnits(text: string, units: Uint16Array, at: number): number {
  for (let i = 0; i < text.length; i++) units[at + i] = text.charCodeAt(i);
  return at + text.length;
}
