/**
 * Cuts text (with spaces written U+2581) where no merge can ever reach across, so that the parts can be
 * merged one by one and remembered: around characters that no longer token contains, and, if no token has a
 * space symbol after another character, before space symbols. Derived from the tokens; exact for all of them.
 */

const SPACE_SYMBOL = 0x2581;

export class IndependentWords {
  /** 1 for UTF-16 units that occur in a token of two characters or more. */
  private readonly joins = new Uint8Array(0x10000);
  private readonly breaksAtSpaces: boolean;

  /** @param tokens the texts that merging may produce */
  constructor(tokens: readonly string[]) {
    let breaksAtSpaces = true;
    for (const token of tokens) {
      const isSingle = token.length === 1 || (token.length === 2 && token.codePointAt(0)! > 0xffff);
      for (let i = 0; i < token.length; i++) {
        const unit = token.charCodeAt(i);
        // A surrogate cannot stand alone: as part of a pair it always joins.
        if (!isSingle || isSurrogate(unit)) this.joins[unit] = 1;
        if (i > 0 && unit === SPACE_SYMBOL && token.charCodeAt(i - 1) !== SPACE_SYMBOL)
          breaksAtSpaces = false;
      }
    }
    for (let unit = 0xd800; unit < 0xe000; unit++) this.joins[unit] = 1;
    this.breaksAtSpaces = breaksAtSpaces;
  }

  /** The end of the word that starts at `at`; always beyond `at`. */
  end(text: string, at: number): number {
    let previous = text.charCodeAt(at);
    if (this.joins[previous] === 0) return at + 1;
    let i = at + 1;
    for (; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (this.joins[unit] === 0) break;
      if (this.breaksAtSpaces && unit === SPACE_SYMBOL && previous !== SPACE_SYMBOL) break;
      previous = unit;
    }
    return i;
  }
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xe000;
}
