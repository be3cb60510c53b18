/** The small normalizers of tokenizer.json. Characters count by their own properties, without their neighbours. */
import type { Normalizer } from "../parts.js";
import type { TextPattern } from "../pre-tokenizers/split.js";

/** One of the Unicode normalization forms (UAX 15). */
export function unicodeForm(form: "NFC" | "NFD" | "NFKC" | "NFKD"): Normalizer {
  return (text) => text.normalize(form);
}

/** Lower case, character by character: a sigma at the end of a word is a sigma like the others. */
export const lowercase: Normalizer = (text) =>
  (text.includes("\u03a3") ? text.replaceAll("\u03a3", "\u03c3") : text).toLowerCase();

/** Combining marks go, whatever they stand on. */
export const stripAccents: Normalizer = (text) => text.replace(/\p{M}+/gu, "");

export function prepend(prefix: string): Normalizer {
  return (text) => (text === "" ? text : prefix + text);
}

const LEADING = /^\p{White_Space}+/u;

/** Blanks at the ends go. */
export function strip(left: boolean, right: boolean): Normalizer {
  return (text) => {
    const stripped = left ? text.replace(LEADING, "") : text;
    return right ? withoutTrailingBlanks(stripped) : stripped;
  };
}

/** An expression anchored at the end would try every run of blanks in the text. */
function withoutTrailingBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && /\p{White_Space}/u.test(text[end - 1]!)) end--;
  return text.slice(0, end);
}

/** Every match of `pattern` becomes `replacement`. */
export function replace(pattern: TextPattern, replacement: string): Normalizer {
  return (text) => {
    let result = "";
    let at = 0;
    for (let match = pattern.find(text, 0); match !== undefined; match = pattern.find(text, at)) {
      result += text.slice(at, match[0]) + replacement;
      at = match[1];
    }
    return at === 0 ? text : result + text.slice(at);
  };
}

/** Every `needle` becomes `replacement`, at native speed. */
export function replaceString(needle: string, replacement: string): Normalizer {
  return (text) => (needle === "" ? text : text.replaceAll(needle, () => replacement));
}

const NMT_REMOVED = /(?![\t\n\f\r\u0080-\u008e\u0090-\u009e])\p{Cc}/gu;
const NMT_BLANKS = /[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/gu;

/** SentencePiece's rules for machine translation: controls go, odd blanks become spaces. */
export const nmt: Normalizer = (text) =>
  text.replace(NMT_REMOVED, (control) => (control === "\0" ? control : "")).replace(NMT_BLANKS, " ");
