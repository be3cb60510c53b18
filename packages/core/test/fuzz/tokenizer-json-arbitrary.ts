/** tokenizer.json files for fuzzing: small valid ones of each kind, cut short, or with values replaced anywhere. */
import fc from "fast-check";
import clip from "../../../../fixtures/tokenizers/small-clip.tokenizer.json" with { type: "json" };
import unigram from "../../../../fixtures/tokenizers/small-unigram.tokenizer.json" with { type: "json" };
import unigramBytes from "../../../../fixtures/tokenizers/small-unigram-bytes.tokenizer.json" with {
  type: "json",
};
import wordlevel from "../../../../fixtures/tokenizers/small-wordlevel.tokenizer.json" with { type: "json" };
import wordpiece from "../../../../fixtures/tokenizers/small-wordpiece.tokenizer.json" with { type: "json" };

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const TYPES = [
  "BPE",
  "Unigram",
  "WordPiece",
  "WordLevel",
  "Sequence",
  "ByteLevel",
  "Metaspace",
  "Split",
  "Replace",
  "Precompiled",
  "BertNormalizer",
  "BertPreTokenizer",
  "Digits",
  "Strip",
  "Fuse",
  "ByteFallback",
  "TemplateProcessing",
  "CTC",
  "Nonsense",
  "NFKC",
  "Prepend",
  "Punctuation",
  "FixedLength",
  "Isolated",
  "MergedWithNext",
  "(a+)+$",
  "[",
  "\\p{N}{1,3}",
  "",
  "\u2581",
];
const value: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(null, true, false, -1, 0, 1, 1.5, 2 ** 31, 2 ** 53, [], {}, [[]], "AAAA", "/////w=="),
  fc.constantFrom<Json>(...TYPES),
  fc.constantFrom<Json>({ String: "a" }, { Regex: "a|b*" }, { Regex: "(?=(a+)+b)." }, { type: "Sequence" }),
);

/** Where to strike: at each level the child at this share of them, stopping after so many levels. */
const damage = fc.record({
  path: fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), {
    minLength: 1,
    maxLength: 6,
  }),
  how: fc.constantFrom("replace", "remove", "duplicate"),
  value,
});

function strike(node: Json, path: readonly number[], how: string, replacement: Json): Json {
  if (node === null || typeof node !== "object") return replacement;
  const keys = Object.keys(node);
  if (keys.length === 0) return replacement;
  const key = keys[Math.floor(path[0]! * keys.length)]!;
  const copy: Json = Array.isArray(node) ? [...node] : { ...node };
  const child = (copy as Record<string, Json>)[key]!;
  const rest = path.slice(1);
  if (rest.length > 0) (copy as Record<string, Json>)[key] = strike(child, rest, how, replacement);
  else if (how === "remove") delete (copy as Record<string, Json>)[key];
  else if (how === "duplicate") (copy as Record<string, Json>)[keys[keys.length - 1]!] = child;
  else (copy as Record<string, Json>)[key] = replacement;
  return copy;
}

const PARSED: readonly Json[] = [clip, unigram, unigramBytes, wordlevel, wordpiece];
const FILES = PARSED.map((file) => JSON.stringify(file));

export const tokenizerJson: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc
      .record({ file: fc.constantFrom(...FILES), share: fc.double({ min: 0, max: 1, noNaN: true }) })
      .map(({ file, share }) => file.slice(0, Math.floor(file.length * share))),
  },
  {
    weight: 9,
    arbitrary: fc
      .record({ base: fc.constantFrom(...PARSED), strikes: fc.array(damage, { minLength: 1, maxLength: 3 }) })
      .map(({ base, strikes }) =>
        JSON.stringify(strikes.reduce((json, { path, how, value: to }) => strike(json, path, how, to), base)),
      ),
  },
);
