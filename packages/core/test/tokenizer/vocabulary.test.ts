/** Bad vocabularies and GGUF metadata: each with its code and a sentence that says what is wrong. */
import { describe, expect, test } from "vitest";
import { ggufPreTokenizer } from "../../src/tokenizer/gguf-pre-tokenizers.js";
import { createTokenizer, ggufTokenizer, PRE_TOKENIZER_NAMES } from "../../src/tokenizer/index.js";
import { sequencePreTokenizer } from "../../src/tokenizer/parts.js";
import { split as splitAt } from "../../src/tokenizer/pre-tokenizers/split.js";
import { smallBpe, smallSpm } from "./small-vocabularies.js";

const failure = (code: string, words: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(words) });
const bad = (words: RegExp) => failure("TOKENIZER_BAD_VOCABULARY", words);
const tokens = smallBpe().tokens;

test.each([
  ["no tokens", smallBpe({ tokens: [], tokenKinds: [] }), failure("TOKENIZER_MISSING", /no tokens/)],
  ["no merges", smallBpe({ merges: undefined }), bad(/list of merges/)],
  ["merge without a space", smallBpe({ merges: ["he"] }), bad(/Merge 0 is "he".*two pieces/)],
  ["merge with an empty half", smallBpe({ merges: ["h "] }), bad(/two pieces/)],
  ["merge of an unknown piece", smallBpe({ merges: ["h e", "q z"] }), bad(/Merge 1 .*"qz" is not a token/)],
  ["too few token types", smallBpe({ tokenKinds: [1, 1] }), bad(/token types/)],
  ["a token type of 9", smallBpe({ tokenKinds: tokens.map(() => 9) }), bad(/Token 0 has the type 9/)],
  ["BOS out of range", smallBpe({ bosId: tokens.length }), bad(/BOS token has id \d+/)],
  ["negative EOS", smallBpe({ eosId: -5 }), bad(/EOS token has id -5/)],
  ["fractional id", smallBpe({ padId: 1.5 }), bad(/padding token has id 1.5/)],
  [
    "unknown pre-tokenizer",
    smallBpe({ preTokenizer: "klingon" }),
    failure("TOKENIZER_UNSUPPORTED", /"klingon".*qwen2/),
  ],
  ["no scores", smallSpm({ scores: undefined }), bad(/score/)],
  ["too few scores", smallSpm({ scores: [0] }), bad(/1 scores/)],
  [
    "a score that is no number",
    smallSpm({ scores: smallSpm().tokens.map(() => Number.NaN) }),
    bad(/not a number/),
  ],
  [
    "a byte token without a byte",
    smallSpm({ tokenKinds: smallSpm().tokens.map(() => 6) }),
    bad(/Byte token 0/),
  ],
])("%s", (_, description, error) => {
  expect(() => createTokenizer(description)).toThrow(error);
});

test("of tokens with one text the last counts, as in llama.cpp", () => {
  const tokenizer = createTokenizer(smallBpe({ tokens: [...tokens, "hello"], tokenKinds: undefined }));
  expect(tokenizer.encode("hello")).toEqual([tokens.length]);
});

describe("GGUF metadata", () => {
  const { merges, tokenKinds } = smallBpe();
  const metadata = (entries: Record<string, unknown> = {}) =>
    new Map<string, unknown>(
      Object.entries({
        "general.architecture": "llama",
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": Int32Array.from(tokenKinds!),
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 1,
        ...entries,
      }).filter(([, value]) => value !== undefined),
    );
  const key = (name: string, value: unknown) => ({ [`tokenizer.ggml.${name}`]: value });

  test("builds what the keys say; 0xFFFFFFFF is no id", () => {
    const tokenizer = ggufTokenizer(
      metadata({ ...key("padding_token_id", 0xffffffff), ...key("eos_token_id", 2n) }),
    );
    expect([tokenizer.kind, tokenizer.bosId, tokenizer.eosId, tokenizer.padId]).toEqual([
      "bpe",
      1,
      2,
      undefined,
    ]);
    expect(tokenizer.addBos).toBe(false);
    expect(ggufTokenizer(metadata(key("token_type", Array.from(tokenKinds!)))).vocabularySize).toBe(
      tokens.length,
    );
  });

  test("BOS by default where the pre-tokenizer or spm wants it, unless the file says otherwise", () => {
    expect(ggufTokenizer(metadata(key("pre", "llama-bpe"))).addBos).toBe(true);
    expect(
      ggufTokenizer(metadata({ ...key("pre", "llama-bpe"), ...key("add_bos_token", false) })).addBos,
    ).toBe(false);
    const spm = smallSpm();
    const entries = {
      ...key("model", "llama"),
      ...key("tokens", spm.tokens),
      ...key("scores", Float32Array.from(spm.scores!)),
    };
    const kinds = key("token_type", spm.tokenKinds);
    expect(ggufTokenizer(metadata({ ...entries, ...kinds })).addBos).toBe(true);
  });

  test("without a pre-tokenizer's name the architecture tells", () => {
    const digits = (entries: Record<string, unknown>) =>
      ggufTokenizer(
        metadata({
          ...key("pre", undefined),
          ...entries,
          ...key("merges", [...merges!, "1 2"]),
          ...key("tokens", [...tokens, "12"]),
          ...key("token_type", undefined),
        }),
      ).encode("12").length;
    expect(digits({ "general.architecture": "starcoder" })).toBe(2); // digits one by one
    expect(digits({ "general.architecture": "gpt2" })).toBe(1);
  });

  test.each([
    ["no model", key("model", undefined), failure("TOKENIZER_MISSING", /no tokenizer.ggml.model/)],
    ["no tokens", key("tokens", undefined), failure("TOKENIZER_MISSING", /no tokenizer.ggml.tokens/)],
    ["another kind", key("model", "rwkv"), failure("TOKENIZER_UNSUPPORTED", /"rwkv"/)],
    ["tokens that are numbers", key("tokens", [1, 2]), bad(/tokens should be an array of strings/)],
    ["types that are text", key("token_type", "1"), bad(/token_type should be an array of numbers/)],
    ["an id that is text", key("bos_token_id", "1"), bad(/bos_token_id should be a token id/)],
    ["a flag that is a number", key("add_bos_token", 1), bad(/add_bos_token should be true or false/)],
  ])("%s", (_, entries, error) => {
    expect(() => ggufTokenizer(metadata(entries))).toThrow(error);
  });
});

describe("pre-tokenizers", () => {
  const split = (name: string, text: string) => {
    const words: string[] = [];
    const steps = ggufPreTokenizer(name).patterns.map((pattern) => splitAt(pattern, "Isolated"));
    sequencePreTokenizer(steps)(text, true, (word) => words.push(word));
    return words;
  };

  test.each(PRE_TOKENIZER_NAMES)("%s: words join to the text, none is empty", (name) => {
    const text =
      "I've  got 12345 caf\u00e9s\r\n\n\t\u6211\u60f3 \ud83e\udd99!?  'LL \u0627\u0644\u0639 x_y\u0085\ufeff  ";
    const words = split(name, text);
    expect(words.join("")).toBe(text);
    expect(words).not.toContain("");
  });

  test.each([
    ["gpt-2", "it's  12345 ok", ["it", "'s", " ", " 12345", " ok"]],
    ["smollm", "it's 12345", ["it", "'s", " ", "1", "2", "3", "4", "5"]],
    ["llama-bpe", "IT'S 12345\n\nok", ["IT", "'S", " ", "123", "45", "\n\n", "ok"]],
    ["qwen2", "IT'S 123", ["IT", "'S", " ", "1", "2", "3"]],
    ["deepseek-coder", "a = 12\n", ["a", " = ", "1", "2", "\n"]],
    ["deepseek-v3", "it's 12345", ["it", "'s", " ", "123", "45"]],
    ["falcon", "a==1234", ["a", "==", "123", "4"]],
    ["tekken", "camelCase 12", ["camel", "Case", " ", "1", "2"]],
    ["gpt-4o", "camelCase's 1234", ["camel", "Case's", " ", "123", "4"]],
    ["tiny_aya", "a 1234567 b", ["a", " ", "1", "234", "567", " b"]],
    ["superbpe", "1234567", ["1", "234", "567"]],
    ["afmoe", "12345 \u0e01\u0e02x", ["12", "345", " ", "\u0e01\u0e02", "x"]],
    ["kimi-k2", "ab\u6211\u60f3Cd's 1234", ["ab", "\u6211\u60f3", "Cd's", " ", "123", "4"]],
    ["bailingmoe", "it's\n\n12", ["it", "'s", "\n\n", "1", "2"]],
    ["ufakzeka", "it's 12", ["it", "'s", " ", "1", "2"]],
    ["laguna", "a b\n\nc", ["a", " b", "\n\n", "c"]],
    ["spark2_5", "a,\nb 12", ["a", ",", "\n", "b", " ", "1", "2"]],
    ["jais-2", `a${" ".repeat(7)}b`, ["a", "    ", "  ", " b"]],
    ["exaone-moe", "ab cd 12", ["ab cd", " ", "1", "2"]],
    ["chameleon", "IMGIMGABZ a    b1", ["IMGIMGABZ", " a", "    ", "b", "1"]],
    ["youtu", "\uac00\u3131a\u6211B", ["\uac00\u3131", "a", "\u6211", "B"]],
    ["minicpm5", "1234 ab", ["123", "4", " ab"]],
  ])("%s cuts %j", (name, text, words) => {
    expect(split(name, text)).toEqual(words);
  });
});
