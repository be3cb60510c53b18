/** The tokenizer of the model that ships: ids equal to those of an independent implementation (smollm2-golden.py). */
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { readGgufHeader } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { ggufTokenizer } from "../../src/tokenizer/index.js";
import golden from "./smollm2.golden.json" with { type: "json" };

const MODEL = "../../../model-smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1-00001-of-00003.gguf";

async function smollm2() {
  const source = await openSource(fileURLToPath(new URL(MODEL, import.meta.url)));
  try {
    return ggufTokenizer((await readGgufHeader(source)).metadata);
  } finally {
    await source.close();
  }
}

test("ids are those of the tokenizers library", async () => {
  const tokenizer = await smollm2();
  for (const { text, ids } of golden) {
    expect(tokenizer.encode(text), JSON.stringify(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
  }
});

test("special tokens are as the model was trained", async () => {
  const tokenizer = await smollm2();
  expect([tokenizer.bosId, tokenizer.eosId, tokenizer.addBos]).toEqual([1, 2, false]);
  expect(tokenizer.endOfGenerationIds).toEqual([0, 2]);
  expect(tokenizer.encode("<|im_start|>user\n", { parseSpecial: true })[0]).toBe(1);
  // Bytes that no valid text needs have no token; they vanish rather than end the answer (unknown is token 0).
  expect(tokenizer.isByteComplete).toBe(false);
  expect(tokenizer.encode("a\u0004b")).toEqual(tokenizer.encode("a").concat(tokenizer.encode("b")));
});
