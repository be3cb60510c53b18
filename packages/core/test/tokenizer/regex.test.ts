/** Expressions of tokenizer.json on our own engine: the matches of JavaScript's where both know the syntax, in linear time. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KNOWN_PATTERNS } from "../../src/tokenizer/huggingface/known-patterns.js";
import { regExpPattern, type TextPattern } from "../../src/tokenizer/pre-tokenizers/split.js";
import { linearPattern } from "../../src/tokenizer/regex/matcher.js";
import { ExpressionError, parseExpression } from "../../src/tokenizer/regex/parse.js";
import { TEXTS } from "./huggingface/real-files.js";

function matches(pattern: TextPattern, text: string): string[] {
  const found: string[] = [];
  for (let match = pattern.find(text, 0); match !== undefined; match = pattern.find(text, match[1])) {
    found.push(text.slice(match[0], match[1]));
  }
  return found;
}

/** JavaScript's matches, without the empty ones. */
function expected(source: string, text: string): string[] {
  return [...text.matchAll(new RegExp(source, "gu"))].map(([match]) => match).filter((match) => match !== "");
}

test.each([...KNOWN_PATTERNS])("%s: as its form for JavaScript", (source, javascript) => {
  const [own, native] = [linearPattern(source), regExpPattern(new RegExp(javascript, "gu"))];
  for (const text of TEXTS) expect(matches(own, text), JSON.stringify(text)).toEqual(matches(native, text));
});

const atom = fc.constantFrom(
  "a",
  "b",
  "[ab]",
  "[^a]",
  "\\p{L}",
  "(?=a)",
  "(?!b)",
  "(?:ab|a)",
  "(?:a|ab)",
  "(?<=a)",
  "c",
);
const quantifier = fc.constantFrom("", "", "*", "+", "?", "*?", "+?", "{2}", "{1,2}", "{0,}");
const expression: fc.Arbitrary<string> = fc.letrec<{ tree: string }>((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.tuple(atom, quantifier).map(([item, repeat]) => (/^\(\?[=!<]/.test(item) ? item : item + repeat)),
    fc.tuple(tie("tree"), tie("tree")).map(([left, right]) => left + right),
    fc.tuple(tie("tree"), tie("tree")).map(([left, right]) => `(?:${left}|${right})`),
    fc.tuple(tie("tree"), fc.constantFrom("", "+", "{1,2}")).map(([item, repeat]) => `(?:${item}c)${repeat}`),
    tie("tree").map((item) => `(?=${item})`),
  ),
})).tree;

test("matches what JavaScript matches, for any expression of the common syntax", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "c", "\ud83d\ude00"), maxLength: 12 });
  fc.assert(
    fc.property(expression, text, (source, input) => {
      expect(matches(linearPattern(source), input), source).toEqual(expected(source, input));
    }),
    { numRuns: 3000, seed: 1 },
  );
});

test.each([
  ["(?i:'s|k)", "'S '\u017f \u212a K", ["'S", "'\u017f", "\u212a", "K"]],
  ["\\p{N}{1,3}+", "12345", ["12345"]],
  ["[^\\r\\n]?+a", "xaa", ["xa"]],
  ["a++b|a", "aab aa", ["aab", "a", "a"]],
  ["(?>a|ab)c|ab", "abc", ["ab"]],
  ["[\\p{L}&&[^\\p{Han}]]+", "ab\u6211c", ["ab", "c"]],
  ["[[:punct:]]", "a.b", ["."]],
  ["^.+$", "one\ntwo", ["one", "two"]],
  ["\\d{1,3}(?=(?:\\d{3})*\\b)", "1234567 12", ["1", "234", "567", "12"]],
  ["\\s+$", "a  b  ", ["  "]],
  ["\\S", "\u0085\ufeff", ["\ufeff"]],
  ["\\x41\\x{1F600}\\u0042", "A\ud83d\ude00B", ["A\ud83d\ude00B"]],
] as const)("%s", (source, text, found) => {
  expect(matches(linearPattern(source), text)).toEqual(found);
});

describe("hostile expressions", () => {
  const long = "a".repeat(100_000);
  test.each([
    ["(a+)+b", `${long}`],
    ["(a|a)*b|a", long],
    ["(?:a*)*b|a", long],
    ["a*b|a", long],
    ["(?=a*b)a|a", long],
    ["(?=(?:a|aa)+$)a", long],
    ["(?:a++b|a)", long],
    ["(?>(?:a|aa)*)b|a", long],
    ["\\s+$|x", `${" ".repeat(100_000)}x`],
    ["(?:a?){50}a{50}b|a", long],
  ])("%s on 100,000 characters takes seconds at most", (source, text) => {
    const before = process.cpuUsage().user;
    const found = matches(linearPattern(source), text);
    expect(found.length).toBeLessThanOrEqual(text.length);
    expect((process.cpuUsage().user - before) / 1e6).toBeLessThan(8);
  });

  test.each([
    "(a",
    "a)",
    "*a",
    "[a",
    "\\",
    "\\1",
    "(?<name>a)",
    "(?(1)a|b)",
    "\\p{Nonsense}",
    "a{2000}",
    "((a{900}){900})",
    "[b-a]",
    "\\k<x>",
    "(?<=a*)b",
    `${"(".repeat(200)}a${")".repeat(200)}`,
    "\\x{110000}",
    "(?x) a",
    "\\G",
  ])("%s is refused", (source) => {
    expect(() => linearPattern(source)).toThrow(ExpressionError);
  });

  test("any text is parsed or refused", () => {
    const text = fc.string({ unit: fc.constantFrom(..."ab()[]{}?*+|\\^$.-:=!<>&&,12pPsxu"), maxLength: 20 });
    const run = (source: string) => {
      try {
        matches(linearPattern(source), "abab12 ..a");
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
      }
    };
    fc.assert(fc.property(text, run), { numRuns: 3000, seed: 1 });
    expect(parseExpression("").type).toBe("sequence");
  });
});
