/** Python's operations on text, keeping track of what is untrusted. Positions count UTF-16 units. */
import type { TemplateBudget } from "./template-budget.js";
import { Text } from "./template-text.js";
import { failed } from "./template-values.js";

// Python also counts the four separators from FS to US as white space, and those from FS to RS as line ends.
const [FS, RS, US] = [0x1c, 0x1e, 0x1f].map((code) => String.fromCharCode(code));
/** What Python's str.strip() takes for white space. */
const BLANK = new RegExp(`[\t-\r${FS}-${US} \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]`);
const LINE_END = new RegExp(`\r\n|[\n\r\v\f${FS}-${RS}\u0085\u2028\u2029]`, "g");

/** Takes away blanks, or any of `characters`, at the start and the end as asked. */
export function strip(text: Text, characters: Text | undefined, atStart: boolean, atEnd: boolean): Text {
  const set = characters === undefined ? undefined : new Set(characters.value);
  const isOut = (unit: string) => (set === undefined ? BLANK.test(unit) : set.has(unit));
  let start = 0;
  let end = text.length;
  if (atStart) while (start < end && isOut(text.value[start]!)) start++;
  if (atEnd) while (end > start && isOut(text.value[end - 1]!)) end--;
  return text.slice(start, end);
}

/** str.split and, from the right, str.rsplit. */
export function split(
  text: Text,
  separator: Text | undefined,
  maxSplits: number,
  fromRight: boolean,
  budget: TemplateBudget,
): Text[] {
  const cuts = separator === undefined ? blankRuns(text, budget) : occurrences(text, separator, budget);
  budget.list(cuts.length + 1);
  budget.pieces(cuts.length + 1, 0);
  const kept =
    maxSplits < 0
      ? cuts
      : fromRight
        ? cuts.slice(Math.max(cuts.length - maxSplits, 0))
        : cuts.slice(0, maxSplits);
  const parts: Text[] = [];
  let at = 0;
  for (const [start, end] of kept) {
    parts.push(text.slice(at, start));
    at = end;
  }
  parts.push(text.slice(at));
  if (separator !== undefined) return parts;
  // Without a separator, blanks at the ends part nothing, and stay only on the side where splits ran out.
  const ranOut = maxSplits >= 0 && kept.length >= maxSplits;
  const trimmed = parts.map((part, i) => {
    const [isFirst, isLast] = [i === 0, i === parts.length - 1];
    return strip(part, undefined, isFirst && !(ranOut && fromRight), isLast && !(ranOut && !fromRight));
  });
  return trimmed.filter((part) => part.length > 0);
}

function blankRuns(text: Text, budget: TemplateBudget): [start: number, end: number][] {
  const from = text.length - strip(text, undefined, true, false).length;
  const to = strip(text, undefined, false, true).length;
  const runs: [number, number][] = [];
  for (const match of text.value.matchAll(new RegExp(`${BLANK.source}+`, "g"))) {
    budget.pieces(1, 0);
    if (match.index >= from && match.index < to) runs.push([match.index, match.index + match[0].length]);
  }
  return runs;
}

function occurrences(text: Text, part: Text, budget: TemplateBudget): [start: number, end: number][] {
  if (part.length === 0)
    throw failed("The chat template splits or counts by empty text, which cannot be done.");
  const found: [number, number][] = [];
  for (
    let at = text.value.indexOf(part.value);
    at >= 0;
    at = text.value.indexOf(part.value, at + part.length)
  ) {
    budget.pieces(1, 0);
    found.push([at, at + part.length]);
  }
  return found;
}

export function countOf(text: Text, part: Text, budget: TemplateBudget): number {
  return part.length === 0 ? text.length + 1 : occurrences(text, part, budget).length;
}

export function replace(text: Text, from: Text, to: Text, limit: number, budget: TemplateBudget): Text {
  let cuts: [number, number][];
  if (from.length > 0) cuts = occurrences(text, from, budget);
  else {
    budget.list(text.length + 1);
    cuts = Array.from({ length: text.length + 1 }, (_, i) => [i, i]);
  }
  if (limit >= 0) cuts = cuts.slice(0, limit);
  budget.pieces(cuts.length * 2, text.length + cuts.length * to.length);
  const parts: Text[] = [];
  let at = 0;
  for (const [start, end] of cuts) {
    parts.push(text.slice(at, start), to);
    at = end;
  }
  parts.push(text.slice(at));
  return Text.join(parts);
}

export function join(parts: readonly Text[], separator: Text, budget: TemplateBudget): Text {
  let length = 0;
  for (const part of parts) length += part.length + separator.length;
  budget.step(parts.length);
  budget.text(length);
  return Text.join(parts.flatMap((part, i) => (i === 0 ? [part] : [separator, part])));
}

/** The text split behind each line end. */
export function lines(text: Text, keepEnds: boolean, budget: TemplateBudget): Text[] {
  const parts: Text[] = [];
  let at = 0;
  for (const match of text.value.matchAll(LINE_END)) {
    budget.list(1);
    budget.pieces(1, 0);
    const end = match.index + match[0].length;
    parts.push(text.slice(at, keepEnds ? end : match.index));
    at = end;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

/** Text under a change of letters; lengths may change, so trust is all or nothing. */
export function mapCase(text: Text, change: (value: string) => string, budget: TemplateBudget): Text {
  budget.text(text.length * 2);
  const value = change(text.value);
  // The common case keeps its length unit by unit, and so its runs.
  return value.length === text.length ? new Text(value, text.untrusted) : Text.from(value, text);
}

export function capitalize(value: string): string {
  const first = String.fromCodePoint(value.codePointAt(0) ?? 0);
  return value === "" ? "" : first.toUpperCase() + value.slice(first.length).toLowerCase();
}

export function titleCase(value: string): string {
  return value.replace(/\p{L}+/gu, capitalize);
}

export function indent(
  text: Text,
  width: Text,
  first: boolean,
  blank: boolean,
  budget: TemplateBudget,
): Text {
  const parts = lines(text, true, budget);
  budget.text(text.length + parts.length * width.length);
  return Text.join(
    parts.flatMap((line, i) => {
      const isIndented = i === 0 ? first : blank || strip(line, undefined, true, true).length > 0;
      return isIndented ? [width, line] : [line];
    }),
  );
}

/** Python's len(): code points. */
export function codePointLength(value: string): number {
  let length = value.length;
  for (const _ of value.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) length--;
  return length;
}

const HTML_ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" };

/** Text made into HTML; markup stays as it is. */
export function escapeHtml(text: Text, budget: TemplateBudget): Text {
  if (text.isMarkup) return text;
  let escaped = text;
  for (const [from, to] of Object.entries(HTML_ENTITIES)) {
    escaped = replace(escaped, new Text(from), new Text(to), -1, budget);
  }
  return new Text(escaped.value, escaped.untrusted, true);
}
