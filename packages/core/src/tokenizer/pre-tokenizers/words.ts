/** The pre-tokenizers of tokenizer.json that go by classes of characters. */
import type { PreTokenizer } from "../parts.js";
import { sequencePreTokenizer } from "../parts.js";
import { regExpPattern, type SplitBehavior, split } from "./split.js";

const PUNCTUATION = "[\\p{P}!-\\/:-@\\[-`\\{-~]";

/** Blanks go. */
export function whitespaceSplit(): PreTokenizer {
  return split(regExpPattern(/\p{White_Space}+/gu), "Removed");
}

/** Runs of word characters, and runs of what is neither word nor blank. */
export function whitespaceWords(): PreTokenizer {
  const word = "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}";
  const pattern = new RegExp(`[${word}]+|[^${word}\\p{White_Space}]+`, "gu");
  return split(regExpPattern(pattern), "Removed", true);
}

/** Punctuation by itself, character by character. */
export function punctuation(behavior: SplitBehavior): PreTokenizer {
  return split(regExpPattern(new RegExp(PUNCTUATION, "gu")), behavior);
}

/** BERT's: blanks go, punctuation stands alone. */
export function bertWords(): PreTokenizer {
  return sequencePreTokenizer([whitespaceSplit(), punctuation("Isolated")]);
}

/** Numerals apart from other text, one by one or in runs. */
export function digits(individually: boolean): PreTokenizer {
  return split(regExpPattern(individually ? /\p{N}/gu : /\p{N}+/gu), "Isolated");
}

/** Words of `length` characters. */
export function fixedLength(length: number): PreTokenizer {
  return (text, isFirst, emit) => {
    let start = 0;
    let count = 0;
    for (let at = 0; at < text.length; ) {
      at += text.codePointAt(at)! > 0xffff ? 2 : 1;
      if (++count < length && at < text.length) continue;
      emit(text.slice(start, at), isFirst && start === 0);
      start = at;
      count = 0;
    }
  };
}
