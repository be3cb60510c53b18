/**
 * Normalization by precompiled rules, as SentencePiece does it (GGUF) and as the `tokenizers` library does: that one
 * takes a cluster of up to five bytes by the shortest rule that begins it, and otherwise goes character by character.
 */
import type { Normalizer } from "../parts.js";
import type { Charsmap } from "./charsmap.js";

/** Characters that may belong to the one before them, or draw the next one to them (UAX 29). */
const JOINS =
  /[\p{M}\p{Grapheme_Extend}]|[\p{Emoji_Modifier}\p{Regional_Indicator}]|[\u200d]|[\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0e33\u0eb3]/u;
const CLUSTER = /\r\n|\P{M}\p{M}*|\p{M}+/gu;
const utf8 = new TextEncoder();
/** Longest cluster that the library looks up as one. */
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
    left -= point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
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
  const ofCluster = (cluster: string): string => {
    if (utf8.encode(cluster).length <= MAX_CLUSTER_BYTES) {
      const rule = rules.match(cluster, "shortest");
      if (rule !== undefined) return rule.replacement;
    }
    let result = "";
    for (const character of cluster) result += ofPart(character);
    return result;
  };
  return (text) => {
    let result = "";
    for (let at = 0; at < text.length; ) {
      let end = at + sizeAt(text, at);
      if (!mayJoin(text, at, end)) {
        result += ofPart(text.slice(at, end));
        at = end;
        continue;
      }
      while (end < text.length && mayJoin(text, end - 1, end)) end += sizeAt(text, end);
      for (const cluster of clusters(text.slice(at, end))) result += ofCluster(cluster);
      at = end;
    }
    return result;
  };
}

function sizeAt(text: string, at: number): number {
  return text.codePointAt(at)! > 0xffff ? 2 : 1;
}

/** Whether the character at `at` and the one at `end` after it may be one cluster. Cheap, and sure when it says no. */
function mayJoin(text: string, at: number, end: number): boolean {
  const unit = text.charCodeAt(at);
  const next = end < text.length ? text.charCodeAt(end) : 0;
  if (unit < 0x300 && next < 0x300) return unit === 0x0d && next === 0x0a;
  if (end < text.length && JOINS.test(text.slice(end, end + sizeAt(text, end)))) return true;
  return unit >= 0x300 && JOINS.test(text.slice(end - (isLow(text, end - 1) ? 2 : 1), end));
}

function isLow(text: string, at: number): boolean {
  return (text.charCodeAt(at) & 0xfc00) === 0xdc00;
}

/** Clusters of UAX 29; where the platform does not know them, characters with their marks. */
function clusters(text: string): Iterable<string> {
  if (typeof Intl === "object" && "Segmenter" in Intl) return segments(text);
  return text.match(CLUSTER) ?? [];
}

let segmenter: Intl.Segmenter | undefined;

function* segments(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  for (const { segment } of segmenter.segment(text)) yield segment;
}
