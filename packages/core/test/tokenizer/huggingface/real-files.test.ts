/** Real tokenizer.json files: ids and texts equal to those of the `tokenizers` library. */
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../../test/support/availability.js";
import { huggingFaceTokenizer, type Tokenizer } from "../../../src/tokenizer/index.js";
import { shared } from "../shared-vocabularies.js";
import {
  filesOf,
  golden,
  isLossless,
  prose,
  REPEATS,
  realFiles,
  repeated,
  sha256,
  TEXTS,
  textDigest,
  tokenizerOf,
} from "./real-files.js";

const NAMES = [
  "chatglm3",
  "claude",
  "deepseek_v3",
  "gemma2",
  "gpt2",
  "gpt35turbo",
  "internlm2",
  "llama2",
  "llama3_2",
  "mistral_nemo",
  "qwen2_5",
  "yi",
];
const bare = { addBos: false, addEos: false };
const special = { ...bare, parseSpecial: true };

describeWith(realFiles, "tokenizer.json files of npm packages", () => {
  describe.each(NAMES)("%s", (name) => {
    const expected = golden(name);
    let built: Tokenizer | undefined;
    const tokenizer = () => (built ??= tokenizerOf(name));

    test("short texts, with special tokens and as plain text", () => {
      TEXTS.forEach((text, i) => {
        // InternLM's merges make BOS of "<s>". Here text that is only text never makes a control token.
        if (name === "internlm2" && text.includes("<s>")) return;
        expect(tokenizer().encode(text, special), JSON.stringify(text)).toEqual(expected.special[i]);
        const plain = expected.plain[i] ?? expected.special[i];
        expect(tokenizer().encode(text, bare), JSON.stringify(text)).toEqual(plain);
      });
      expect(tokenizer().encode(TEXTS[2]!)).toEqual(expected.framed);
    });

    test("ids back to text, whole and as a stream", () => {
      expected.special.forEach((ids, i) => {
        // InternLM's file does not say that <s> and <unk> are special tokens; here they are, and left out.
        if (name === "internlm2" && ids.some((id) => tokenizer().tokenKind(id) === "control")) return;
        const text = tokenizer().decode(ids, { skipSpecial: true });
        expect(textDigest(text), JSON.stringify(text)).toBe(expected.decoded[i]);
        const decoder = tokenizer().createDecoder({ skipSpecial: true });
        expect(ids.map((id) => decoder.push(id)).join("") + decoder.end()).toBe(text);
      });
    });

    test.each(Object.keys(REPEATS))("100,000 characters: %s", (key) => {
      const ids = tokenizer().encode(repeated(REPEATS[key]!, 100_000), special);
      expect([ids.length, sha256(ids)]).toEqual([expected.long[key]!.count, expected.long[key]!.sha256]);
    });

    describeWith(shared, "books", () => {
      test("1 MB of prose in two languages", () => {
        const ids = tokenizer().encode(prose(), special);
        expect([ids.length, sha256(ids)]).toEqual([expected.long.prose!.count, expected.long.prose!.sha256]);
        expect(tokenizer().decode(ids) === prose() || !isLossless(name)).toBe(true);
      });
    });
  });

  test.each([
    ["llama3_2", 128000, [128009], true],
    ["qwen2_5", undefined, [151643, 151645], false],
    ["gemma2", 2, [1, 107], true],
    ["deepseek_v3", 0, [1], true],
  ] as const)("%s: special tokens as its configuration names them", (name, bosId, ends, addBos) => {
    const tokenizer = huggingFaceTokenizer(filesOf(name));
    expect([tokenizer.bosId, tokenizer.addBos, tokenizer.addEos]).toEqual([bosId, addBos, false]);
    expect(tokenizer.endOfGenerationIds).toEqual(expect.arrayContaining([...ends]));
  });
});
