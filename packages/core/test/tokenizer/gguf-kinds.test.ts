/** GGUF's kinds t5 and bert: ids equal to SentencePiece's and to those of BERT's original tokenizer. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { ggufTokenizer } from "../../src/tokenizer/index.js";
import { fixtureFile, golden, TEXTS } from "./huggingface/real-files.js";

function metadata(entries: Record<string, unknown>): Map<string, unknown> {
  return new Map(Object.entries(entries).map(([key, value]) => [`tokenizer.ggml.${key}`, value]));
}

interface SentencePiece {
  readonly tokens: string[];
  readonly scores: number[];
  readonly kinds: number[];
  readonly charsmap: string;
  readonly ids: (number[] | null)[];
}

const model = JSON.parse(readFileSync(fixtureFile("small-sentencepiece.json"), "utf8")) as SentencePiece;
const t5 = metadata({
  model: "t5",
  tokens: model.tokens,
  scores: Float32Array.from(model.scores),
  token_type: Int32Array.from(model.kinds),
  precompiled_charsmap: new Uint8Array(Buffer.from(model.charsmap, "base64")),
  add_space_prefix: true,
  remove_extra_whitespaces: true,
});

test("t5: as SentencePiece", () => {
  const tokenizer = ggufTokenizer(t5);
  expect([tokenizer.kind, tokenizer.eosId, tokenizer.unkId, tokenizer.padId]).toEqual(["unigram", 1, 2, 0]);
  let compared = 0;
  model.ids.forEach((ids, i) => {
    // SentencePiece adds scores up in float32, so among many equal ways its rounding decides; and it takes U+2581 in a
    // text for one of its own spaces, as llama.cpp does not.
    if (ids === null || /(.)\1{29}|\u2581/u.test(TEXTS[i]!)) return;
    expect(tokenizer.encode(TEXTS[i]!, { addEos: false }), JSON.stringify(TEXTS[i])).toEqual(ids);
    compared++;
  });
  expect(compared).toBeGreaterThan(50);
  expect(tokenizer.encode("Hello world").at(-1)).toBe(1);
  expect(tokenizer.decode(tokenizer.encode("Hello   world "), { skipSpecial: true })).toBe("Hello world");
});

test("t5: spaces as the file says", () => {
  const cut = (entries: Record<string, unknown>, text: string) => {
    const tokenizer = ggufTokenizer(new Map([...t5, ...metadata(entries)]));
    return tokenizer
      .encode(text, { addEos: false })
      .map((id) => tokenizer.piece(id))
      .join("");
  };
  expect(cut({}, "  a  b ")).toBe("\u2581a\u2581b");
  expect(cut({ remove_extra_whitespaces: false }, " a  b ")).toBe("\u2581\u2581a\u2581\u2581b\u2581");
  expect(cut({ remove_extra_whitespaces: false, add_space_prefix: false }, "a  b ")).toBe(
    "a\u2581\u2581b\u2581",
  );
});

test.each([
  ["no trie", new Uint8Array([1, 0]), /claim a trie/],
  ["a trie beyond its end", new Uint8Array([255, 0, 0, 0, 1, 2, 3, 4]), /claim a trie of 255/],
] as const)("t5: rules with %s are refused", (_, charsmap, words) => {
  expect(() => ggufTokenizer(new Map([...t5, ...metadata({ precompiled_charsmap: charsmap })]))).toThrow(
    expect.objectContaining({ code: "TOKENIZER_BAD_VOCABULARY", message: expect.stringMatching(words) }),
  );
});

test("t5: damaged rules do no harm", () => {
  const rules = Buffer.from(model.charsmap, "base64");
  for (let at = 4; at < rules.length; at += 97) {
    const damaged = Uint8Array.from(rules);
    damaged[at]! ^= 0xff;
    const tokenizer = ggufTokenizer(new Map([...t5, ...metadata({ precompiled_charsmap: damaged })]));
    for (const text of [TEXTS[11]!, TEXTS[28]!]) expect(tokenizer.encode(text).length).toBeGreaterThan(0);
  }
});

/** As converters write them: words begin with U+2581, what continues them loses its "##". */
function bert(name: string, lowercase: boolean) {
  const file = JSON.parse(readFileSync(fixtureFile(`${name}.tokenizer.json`), "utf8")) as {
    model: { vocab: Record<string, number> };
  };
  const tokens = Object.entries(file.model.vocab).sort(([, a], [, b]) => a - b);
  const isSpecial = (text: string) => /^\[[A-Z]+\]$/.test(text);
  const written = tokens.map(([text]) =>
    isSpecial(text) ? text : text.startsWith("##") ? text.slice(2) : `\u2581${text}`,
  );
  const ids = { bos_token_id: 2, seperator_token_id: 3, unknown_token_id: 1, padding_token_id: 0 };
  const token_type = tokens.map(([text]) => (isSpecial(text) ? 3 : 1));
  const flags = { "normalizer.lowercase": lowercase };
  return ggufTokenizer(metadata({ model: "bert", tokens: written, token_type, ...ids, ...flags }));
}

test.each([
  ["small-wordpiece", true],
  ["small-wordpiece-cased", false],
] as const)("bert: %s as its tokenizer.json", (name, lowercase) => {
  const tokenizer = bert(name, lowercase);
  const expected = golden(name);
  expect(tokenizer.encode(TEXTS[2]!)).toEqual(expected.framed);
  let compared = 0;
  TEXTS.forEach((text, i) => {
    // The file has tokens of its own beside the vocabulary, and calls longer words unknown; U+2581 is GGUF's mark.
    if (/\u2581|\bing\b|stanbul|\[[A-Z]+\]/i.test(text) || /[^\p{White_Space}\p{P}]{31}/u.test(text)) return;
    const ids = tokenizer.encode(text, { addBos: false, addEos: false });
    expect(ids, JSON.stringify(text)).toEqual(expected.plain[i] ?? expected.special[i]);
    compared++;
  });
  expect(compared).toBeGreaterThan(30);
});
