/** Vectors of whole models on the reference backend against transformers: encoders, and decoders by their last token. */
import { existsSync } from "node:fs";
import { type LoadModelOptions, loadModel, type Model } from "@millet/core";
import { reference } from "@millet/core/backend";
import { openContainer } from "@millet/core/formats";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { afterAll, describe, expect, test } from "vitest";
import { GOLDEN_ENCODERS, goldenHidden, withLetters } from "../../../../test/support/golden-encoders.js";
import { floats, GOLDEN_MODELS, normalisedError } from "../../../../test/support/golden-models.js";
import { POOLINGS } from "../../src/models/index.js";

const opened: Model[] = [];
afterAll(async () => {
  for (const model of opened) await model.dispose();
});

async function load(folder: URL, options: Partial<LoadModelOptions> = {}): Promise<Model> {
  const file = await withLetters(new URL("model.gguf", folder));
  const model = await loadModel(file, { backend: reference(), ...options });
  opened.push(model);
  return model;
}

describe.each(GOLDEN_ENCODERS)("$name", (golden) => {
  const { texts, folder, columns } = golden;

  test.each(POOLINGS)("%s", async (pooling) => {
    const model = await load(folder);
    const vectors = await model.embed(texts, { pooling });
    expect(normalisedError(vectors, floats(golden[pooling]))).toBeLessThanOrEqual(1e-10);
  });

  test("hidden states of every token", async () => {
    const file = await openGguf(await openSource(new URL("model.gguf", folder)));
    const rows = await goldenHidden(await reference().create(), file, golden);
    await file.close();
    expect(normalisedError(rows, floats(golden.hidden))).toBeLessThanOrEqual(1e-10);
  });

  test("pools as its file says, and each text as if it were alone", async () => {
    const model = await load(folder);
    expect(model.info.embedding).toEqual({ dimensions: columns, pooling: golden.pooling });
    const together = await model.embed([...texts, ...texts]);
    expect(
      normalisedError(together.slice(0, texts.length), floats(golden[golden.pooling])),
    ).toBeLessThanOrEqual(1e-10);
    const alone: Float32Array[] = [];
    for (const text of texts) alone.push(...(await model.embed([text])));
    expect(together).toEqual([...alone, ...alone]);
  });
});

describe("hidden states from Hugging Face files", () => {
  const folders = GOLDEN_ENCODERS.filter(({ folder }) => existsSync(new URL("model.safetensors", folder)));
  test.each(folders)("$name", async (golden) => {
    const file = await openContainer(await openSource(golden.folder), { quantize: "none" });
    const rows = await goldenHidden(await reference().create(), file, golden);
    await file.close();
    expect(normalisedError(rows, floats(golden.hidden))).toBeLessThanOrEqual(1e-10);
  });
});

describe("decoders embed by the hidden state of the last token", () => {
  const models = GOLDEN_MODELS.filter(({ name }) => ["llama", "gpt2-odd", "gemma2"].includes(name));
  test.each(models)("$name", async ({ folder, prompt, decode, hidden }) => {
    const ids = [...prompt, ...decode];
    const model = await load(folder, { promptChunkTokens: 11, kvDType: "f32" });
    const short = ids.slice(0, 3);
    const [, vector] = await model.embed([short, ids, short, ids.slice(5)], { normalize: false });
    expect(normalisedError([vector!], floats(hidden))).toBeLessThanOrEqual(1e-10);
    const alone = await model.embed([short]);
    expect((await model.embed([ids, short]))[1]).toEqual(alone[0]);
    const mean = await model.embed([ids], { pooling: "mean" });
    expect(Math.hypot(...mean[0]!)).toBeCloseTo(1, 6);
  });
});

describe.each(["model.gguf", "config.json"])("texts, by the tokenizer of %s", (first) => {
  const golden = GOLDEN_ENCODERS.find(({ strings }) => strings)!;

  test("have the ids and vectors of tokenizers and transformers", async () => {
    const source = new URL(first, golden.folder);
    const model = await loadModel(source, { backend: reference(), quantize: "none", store: false });
    opened.push(model);
    expect(golden.strings!.map((text) => model.tokenizer.encode(text))).toEqual(golden.stringIds);
    const vectors = await model.embed(golden.strings!);
    expect(normalisedError(vectors, floats(golden.stringMeans!))).toBeLessThanOrEqual(1e-10);
    const long = "words and words ".repeat(20);
    const [cut] = await model.embed([long], { onContextFull: "truncate" });
    const ids = [...model.tokenizer.encode(long).slice(0, 63), 3]; // [SEP] stays
    expect(await model.embed([ids])).toEqual([cut]);
  });
});
