/** Tokenizer descriptions for fuzzing: valid ones of both kinds, and the same with a few fields damaged. */
import fc from "fast-check";
import { BYTE_SYMBOLS } from "../../src/tokenizer/byte-symbols.js";
import { PRE_TOKENIZER_NAMES, type TokenizerDescription } from "../../src/tokenizer/index.js";

type Description = { -readonly [K in keyof TokenizerDescription]: TokenizerDescription[K] };

const SPECIAL = [
  "<|im_start|>",
  "<|im_end|>",
  "<think>",
  "<s>",
  "</s>",
  "<0x0A>",
  "\u2581\u2581",
  " ",
  "aa",
  "",
];
const LETTERS = ["a", "b", "\u0120", "\u2581", "\ud83e\udd99", "<", "|", "\u6211", "1", "\n"];
const anything = fc.oneof(
  fc.constantFrom(undefined, null, -1, 0, 1.5, Number.NaN, 2 ** 31, 2 ** 53, "x", "", true),
  fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 4 }),
);

/** Merges that build on what is there already, and the tokens that they make. */
const merges = fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 40 }).map((choices) => {
  const pieces = BYTE_SYMBOLS.filter((_, byte) => byte < 0x41 || byte > 0x60);
  const rules: string[] = [];
  for (const [x, y] of choices) {
    const [left, right] = [pieces[x % pieces.length]!, pieces[pieces.length - 1 - (y % 40)]!];
    rules.push(`${left} ${right}`);
    pieces.push(left + right);
  }
  return { rules, tokens: rules.map((rule) => rule.replace(" ", "")) };
});

const bpe: fc.Arbitrary<Description> = fc
  .record({
    merges,
    special: fc.uniqueArray(fc.constantFrom(...SPECIAL)),
    pre: fc.constantFrom(...PRE_TOKENIZER_NAMES),
  })
  .chain(({ merges: { rules, tokens }, special, pre }) => {
    const all = [...BYTE_SYMBOLS, ...tokens, ...special];
    return fc
      .array(fc.integer({ min: 1, max: 6 }), { minLength: special.length, maxLength: special.length })
      .map((kinds) => ({
        kind: "bpe" as const,
        tokens: all,
        merges: rules,
        tokenKinds: [...BYTE_SYMBOLS, ...tokens].map(() => 1).concat(kinds),
        preTokenizer: pre,
      }));
  });

const spm: fc.Arbitrary<Description> = fc
  .array(
    fc.tuple(fc.string({ unit: fc.constantFrom(...LETTERS), maxLength: 4 }), fc.integer({ min: -5, max: 0 })),
    {
      minLength: 1,
      maxLength: 60,
    },
  )
  .map((pieces) => ({
    kind: "spm" as const,
    tokens: ["<unk>", "<s>", "</s>", "<0x0A>", ...pieces.map(([text]) => text)],
    tokenKinds: Int32Array.from([2, 3, 3, 6, ...pieces.map(() => 1)]),
    scores: Float32Array.from([0, 0, 0, 0, ...pieces.map(([, score]) => score)]),
    unkId: 0,
    bosId: 1,
    eosId: 2,
  }));

/** One field made into something else. Values of wrong types are what a damaged file or a caller may give. */
const fieldDamage = fc.record({
  field: fc.constantFrom(
    "tokens",
    "merges",
    "scores",
    "tokenKinds",
    "preTokenizer",
    "bosId",
    "eosId",
    "unkId",
    "padId",
    "eotId",
    "addBos",
    "addSpacePrefix",
    "ignoreMerges",
  ),
  how: fc.constantFrom("replace", "shorten", "lengthen", "swap", "id"),
  at: fc.nat(),
  value: anything,
});

export const description = fc
  .record({ base: fc.oneof(bpe, spm), damage: fc.array(fieldDamage, { maxLength: 2 }) })
  .map(({ base, damage }) => {
    const fields: Record<string, unknown> = { ...base };
    for (const { field, how, at, value } of damage) {
      const old = fields[field];
      const list =
        Array.isArray(old) || ArrayBuffer.isView(old) ? Array.from(old as ArrayLike<unknown>) : undefined;
      if (how === "id" && field.endsWith("Id")) fields[field] = at % (base.tokens.length + 2);
      else if (list === undefined || how === "replace") fields[field] = value;
      else if (list.length === 0) continue;
      else if (how === "shorten") fields[field] = list.slice(0, at % (list.length + 1));
      else if (how === "lengthen") fields[field] = [...list, list[at % Math.max(list.length, 1)]];
      else
        fields[field] = list.with(at % Math.max(list.length, 1), list[(at >> 8) % Math.max(list.length, 1)]);
    }
    return fields;
  });

/** Text that likes to touch the edges: special tokens, halves of them, blanks, broken surrogates. */
export const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      ...SPECIAL,
      ...LETTERS,
      "<|im_",
      "_end|>",
      "  ",
      "\r\n",
      "\ud800",
      "\udc00",
      "'LL",
      "12345",
    ),
    fc.string({ unit: "binary", maxLength: 3 }),
  ),
  maxLength: 30,
});
