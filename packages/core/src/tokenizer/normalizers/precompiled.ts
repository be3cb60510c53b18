/**
 * Normalization by precompiled rules, as SentencePiece does it (GGUF) and as the `tokenizers` library does: that one
 * takes a cluster of up to five bytes by the shortest rule that begins it, and otherwise goes character by character.
 */
import type { Normalizer } from "../parts.js";
import type { Charsmap } from "./charsmap.js";

/** Characters that belong to the one before them (UAX 29), and those that draw the next one to them. */
const EXTENDS = /[\p{M}\p{Grapheme_Extend}]|[\p{Emoji_Modifier}]|[\u200d]|[\u0e33\u0eb3]/u;
const DRAWS = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]/u;
const STANDS_ALONE = /[\p{Cc}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/u;
const PICTOGRAPH = /\p{Extended_Pictographic}/u;
/** Longest cluster that the library looks up as one. Flags, syllables of jamo and joined emoji are longer anyway. */
const MAX_CLUSTER_BYTES = 5;

/** SentencePiece's: at each place the longest rule. */
export function longestRules(rules: Charsmap): Normalizer {
  // No rule is longer than a few characters; with 32 units at hand the longest is never missed.
  const reach = 32;
  return (text) => {
    let result = "";
    for (let at = 0; at < text.length; ) {
      const single = text.codePointAt(at)! > 0xffff ? 2 : 1;
      const rule = rules.match(text.slice(at, at + reach), "longest");
      if (rule === undefined) {
        result += text.slice(at, at + single);
        at += single;
        continue;
      }
      result += rule.replacement;
      at += unitsOf(text, at, rule.length);
    }
    return result;
  };
}

/** How many UTF-16 units the first `bytes` bytes of UTF-8 at `at` are; a rule that ends within a character takes it. */
function unitsOf(text: string, at: number, bytes: number): number {
  let end = at;
  for (let left = bytes; left > 0 && end < text.length; ) {
    const point = text.codePointAt(end)!;
    left -= utf8Size(point);
    end += point > 0xffff ? 2 : 1;
  }
  return end - at;
}

/** The `tokenizers` library's. */
export function clusterRules(rules: Charsmap): Normalizer {
  const known = new Map<string, string>();
  const ofPart = (part: string): string => {
    let text = known.get(part);
    if (text === undefined) {
      text = rules.match(part, "shortest")?.replacement ?? part;
      if (known.size < 2 ** 16) known.set(part, text);
    }
    return text;
  };
  return (text) => {
    let result = "";
    for (let at = 0; at < text.length; ) {
      const single = at + sizeAt(text, at);
      const end = clusterEnd(text, at, single);
      const whole =
        end > single && utf8Length(text, at, end) <= MAX_CLUSTER_BYTES
          ? rules.match(text.slice(at, end), "shortest")
          : undefined;
      if (whole !== undefined) {
        result += whole.replacement;
        at = end;
        continue;
      }
      for (; at < end; ) {
        const next = at + sizeAt(text, at);
        result += ofPart(text.slice(at, next));
        at = next;
      }
    }
    return result;
  };
}

function sizeAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}

/** Where the cluster that starts at `at` ends, as far as that matters: the first character ends at `single`. */
function clusterEnd(text: string, at: number, single: number): number {
  const unit = text.charCodeAt(at);
  const next = text.charCodeAt(single); // NaN at the end
  if (unit === 0x0d && next === 0x0a) return single + 1;
  if (!(next >= 0x300) && unit < 0x600) return single;
  const first = text.slice(at, single);
  if (STANDS_ALONE.test(first))
    return DRAWS.test(first) && single < text.length ? single + sizeAt(text, single) : single;
  let end = single;
  while (end < text.length && EXTENDS.test(text.slice(end, end + sizeAt(text, end))))
    end += sizeAt(text, end);
  const joinsNext = text[end - 1] === "\u200d" && end < text.length && PICTOGRAPH.test(first);
  return joinsNext && PICTOGRAPH.test(text.slice(end, end + sizeAt(text, end)))
    ? end + sizeAt(text, end)
    : end;
}

function utf8Length(text: string, start: number, end: number): number {
  let length = 0;
  for (let i = start; i < end; i += sizeAt(text, i)) length += utf8Size(text.codePointAt(i)!);
  return length;
}

function utf8Size(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}
