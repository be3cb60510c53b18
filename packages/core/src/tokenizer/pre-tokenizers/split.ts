/** Cutting text at the matches of a pattern, with the behaviours that tokenizer.json knows. */
import type { EmitWord, PreTokenizer } from "../parts.js";

/** Finds matches from left to right. */
export interface TextPattern {
  /** The first match at or after `from` that is not empty, as [start, end), or undefined. */
  find(text: string, from: number): readonly [start: number, end: number] | undefined;
}

export const SPLIT_BEHAVIORS = [
  "Isolated",
  "Removed",
  "MergedWithPrevious",
  "MergedWithNext",
  "Contiguous",
] as const;
export type SplitBehavior = (typeof SPLIT_BEHAVIORS)[number];

/** A JavaScript expression with the flags "gu" that matches no empty string. */
export function regExpPattern(expression: RegExp): TextPattern {
  return {
    find(text, from) {
      expression.lastIndex = from;
      const match = expression.exec(text);
      return match === null ? undefined : [match.index, match.index + match[0].length];
    },
  };
}

/** A plain string. */
export function stringPattern(needle: string): TextPattern {
  return {
    find(text, from) {
      const at = needle === "" ? -1 : text.indexOf(needle, from);
      return at < 0 ? undefined : [at, at + needle.length];
    },
  };
}

/** @param inverted gaps count as matches and matches as gaps */
export function split(pattern: TextPattern, behavior: SplitBehavior, inverted = false): PreTokenizer {
  if (behavior === "Isolated") return isolated(pattern);
  if (behavior === "Removed") return inverted ? matchesOnly(pattern) : gapsOnly(pattern);
  return (text, isFirst, emit) => {
    let start = 0;
    eachJoined(pattern, behavior, inverted, text, (end) => {
      emit(text.slice(start, end), isFirst && start === 0);
      start = end;
    });
  };
}

function isolated(pattern: TextPattern): PreTokenizer {
  return (text, isFirst, emit) => {
    let at = 0;
    for (let match = pattern.find(text, 0); match !== undefined; match = pattern.find(text, at)) {
      const [start, end] = match;
      if (start > at) emit(text.slice(at, start), isFirst && at === 0);
      emit(text.slice(start, end), isFirst && start === 0);
      at = end;
    }
    if (at < text.length) emit(at === 0 ? text : text.slice(at), isFirst && at === 0);
  };
}

function matchesOnly(pattern: TextPattern): PreTokenizer {
  return (text, isFirst, emit) => {
    let match = pattern.find(text, 0);
    for (; match !== undefined; match = pattern.find(text, match[1])) {
      emit(text.slice(match[0], match[1]), isFirst && match[0] === 0);
    }
  };
}

function gapsOnly(pattern: TextPattern): PreTokenizer {
  const gap = (text: string, start: number, end: number, isFirst: boolean, emit: EmitWord) => {
    if (end > start) emit(text.slice(start, end), isFirst && start === 0);
  };
  return (text, isFirst, emit) => {
    let at = 0;
    for (let match = pattern.find(text, 0); match !== undefined; match = pattern.find(text, at)) {
      gap(text, at, match[0], isFirst, emit);
      at = match[1];
    }
    gap(text, at, text.length, isFirst, emit);
  };
}

/** Calls `end` with the end of each word: runs of matches and gaps, joined as the behaviour says. */
function eachJoined(
  pattern: TextPattern,
  behavior: "MergedWithPrevious" | "MergedWithNext" | "Contiguous",
  inverted: boolean,
  text: string,
  end: (at: number) => void,
): void {
  // Whether a word ends between a span and the one after it, by whether each of them is a match.
  const cuts = {
    Contiguous: (match: boolean, next: boolean) => match !== next,
    MergedWithPrevious: (match: boolean, next: boolean) => !next || match,
    MergedWithNext: (match: boolean, next: boolean) => !match || next,
  }[behavior];
  let previous: boolean | undefined;
  let at = 0;
  const span = (isMatch: boolean, to: number): void => {
    const counts = isMatch !== inverted;
    if (previous !== undefined && cuts(previous, counts)) end(at);
    previous = counts;
    at = to;
  };
  for (let match = pattern.find(text, 0); match !== undefined; match = pattern.find(text, at)) {
    if (match[0] > at) span(false, match[0]);
    span(true, match[1]);
  }
  if (at < text.length) span(false, text.length);
  if (at > 0) end(at);
}
