/**
 * Finds the end of a JSON object or array in text that arrives piece by piece. It looks at brackets and strings only:
 * whether the value is JSON is for JSON.parse. Each character is looked at once.
 */

/** Deeper than any tool's arguments, and no danger to JSON.stringify. */
const MAX_DEPTH = 64;
/** What JSON has outside of strings and brackets. */
const PLAIN = /[\s\w+\-.,:]/;

export interface ScanResult {
  /** "more": the value has not ended. "bad": what stands at `used` cannot be JSON. */
  readonly state: "end" | "bad" | "more";
  /** Characters of the piece that belong to the value. */
  readonly used: number;
}

export class JsonScanner {
  readonly #open: string[] = [];
  #inString = false;
  #isEscaped = false;

  /** @param piece what follows the piece before; the first begins with the value's bracket */
  scan(piece: string): ScanResult {
    for (let i = 0; i < piece.length; i++) {
      const c = piece[i]!;
      if (this.#inString) this.#string(c);
      else if (c === '"') this.#inString = true;
      else if (c === "{" || c === "[") {
        if (this.#open.push(c) > MAX_DEPTH) return { state: "bad", used: i };
      } else if (c === "}" || c === "]") {
        if (this.#open.pop() !== (c === "}" ? "{" : "[")) return { state: "bad", used: i };
        if (this.#open.length === 0) return { state: "end", used: i + 1 };
      } else if (!PLAIN.test(c)) return { state: "bad", used: i };
    }
    return { state: "more", used: piece.length };
  }

  #string(c: string): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (c === "\\") this.#isEscaped = true;
    else if (c === '"') this.#inString = false;
  }
}
