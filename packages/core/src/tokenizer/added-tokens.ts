/**
 * Cuts text at the tokens that are written out in it, with the options that tokenizer.json gives to added tokens:
 * whole words only, and blanks beside them swallowed.
 */
import { SpecialMatcher } from "./special-matcher.js";

export interface AddedToken {
  readonly id: number;
  readonly text: string;
  /** Blanks before it belong to it. */
  readonly stripsLeft?: boolean;
  /** Blanks after it belong to it. */
  readonly stripsRight?: boolean;
  /** It is only found where no word character touches it. */
  readonly isSingleWord?: boolean;
}

/** Whether the token `id` may be found at characters [start, end). */
export type Allows = (id: number, start: number, end: number) => boolean;

const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}]";
const WORD_AT_START = new RegExp(`^${WORD}`, "u");
const WORD_AT_END = new RegExp(`${WORD}$`, "u");
const BLANK = /\p{White_Space}/u;

export class AddedTokenSplitter {
  private readonly matcher: SpecialMatcher;
  private readonly withOptions = new Map<number, AddedToken>();
  /** There is no token to be found. */
  readonly isEmpty: boolean;

  constructor(tokens: readonly AddedToken[]) {
    this.matcher = new SpecialMatcher(tokens.map(({ id, text }) => [text, id]));
    this.isEmpty = tokens.length === 0;
    for (const token of tokens) {
      if (token.stripsLeft || token.stripsRight || token.isSingleWord) this.withOptions.set(token.id, token);
    }
  }

  /** Calls `plain` with the texts between tokens (never empty) and where they start, and `token` with ids, in order. */
  split(
    text: string,
    allows: Allows | undefined,
    plain: (part: string, start: number) => void,
    token: (id: number) => void,
  ): void {
    let at = 0; // all before it is handed out
    let from = 0;
    for (;;) {
      const match = this.isEmpty ? undefined : this.matcher.find(text, from, allows);
      if (match === undefined) break;
      let { start, end } = match;
      from = end;
      const options = this.withOptions.get(match.id);
      if (options !== undefined) {
        if (options.isSingleWord && touchesWord(text, start, end)) continue;
        if (options.stripsLeft) while (start > at && BLANK.test(text[start - 1]!)) start--;
        if (options.stripsRight) while (end < text.length && BLANK.test(text[end]!)) end++;
      }
      if (start > at) plain(text.slice(at, start), at);
      token(match.id);
      at = Math.max(at, end);
      from = Math.max(from, at);
    }
    if (at < text.length) plain(at === 0 ? text : text.slice(at), at);
  }
}

/** At most two units on either side: a character beyond U+FFFF has that many. */
function touchesWord(text: string, start: number, end: number): boolean {
  return (
    WORD_AT_END.test(text.slice(Math.max(0, start - 2), start)) ||
    WORD_AT_START.test(text.slice(end, end + 2))
  );
}
