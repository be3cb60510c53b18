/**
 * Text that knows which of its characters came from outside the template. Every operation keeps track, so a
 * rendered prompt falls apart exactly into what the template wrote and what a user wrote.
 */

export class Text {
  /**
   * @param value the characters
   * @param untrusted starts and ends of the runs that came from outside, ascending and apart: [s0, e0, s1, e1 ...]
   * @param isMarkup HTML, made by the filter `safe`: text that is added to it is escaped, as in Jinja2
   */
  constructor(
    readonly value: string,
    readonly untrusted: readonly number[] = NONE,
    readonly isMarkup = false,
  ) {}

  static untrusted(value: string): Text {
    return value === "" ? EMPTY : new Text(value, [0, value.length]);
  }

  /** The parts one after another. */
  static join(parts: readonly Text[]): Text {
    if (parts.length === 1) return parts[0]!;
    let value = "";
    const runs: number[] = [];
    for (const part of parts) {
      for (let i = 0; i < part.untrusted.length; i += 2) {
        const start = part.untrusted[i]! + value.length;
        const end = part.untrusted[i + 1]! + value.length;
        if (runs.at(-1) === start) runs[runs.length - 1] = end;
        else runs.push(start, end);
      }
      value += part.value;
    }
    return new Text(value, runs.length === 0 ? NONE : runs);
  }

  /** Text computed from these: all of it is trusted only if all of them are. */
  static from(value: string, ...sources: readonly Text[]): Text {
    return sources.every((source) => source.isTrusted) ? new Text(value) : Text.untrusted(value);
  }

  get isTrusted(): boolean {
    return this.untrusted.length === 0;
  }

  get length(): number {
    return this.value.length;
  }

  /** Characters from `start` to `end` (UTF-16 units, in range). */
  slice(start: number, end = this.value.length): Text {
    if (start === 0 && end === this.value.length) return this;
    const value = this.value.slice(start, end);
    if (this.isTrusted || value === "") return value === "" ? EMPTY : new Text(value);
    const runs: number[] = [];
    for (let i = 0; i < this.untrusted.length; i += 2) {
      const from = Math.max(this.untrusted[i]!, start);
      const to = Math.min(this.untrusted[i + 1]!, end);
      if (from < to) runs.push(from - start, to - start);
    }
    return new Text(value, runs);
  }

  toString(): string {
    return this.value;
  }
}

const NONE: readonly number[] = [];
export const EMPTY = new Text("");
