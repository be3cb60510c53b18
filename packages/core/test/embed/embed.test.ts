/** embed() as callers use it: options, refusals, generations beside it, aborts, and the loss of a backend. */
import { afterEach, describe, expect, it } from "vitest";
import { GOLDEN_ENCODERS, withLetters } from "../../../../test/support/golden-encoders.js";
import { floats, normalisedError } from "../../../../test/support/golden-models.js";
import { type EmbedOptions, loadModel, type Model, reference } from "../../src/index.js";
import { FragileDevice } from "../model/fragile-backend.js";
import { tinyModel } from "../model/tiny-model.js";

const golden = GOLDEN_ENCODERS.find(({ name }) => name === "bert-odd")!;
const encoderBytes = await withLetters(new URL("model.gguf", golden.folder));
const decoderBytes = await tinyModel();

const opened: Model[] = [];
afterEach(async () => {
  for (const model of opened.splice(0)) await model.dispose();
});

async function load(bytes: Uint8Array<ArrayBuffer>, options: Partial<Parameters<typeof loadModel>[1]> = {}) {
  const model = await loadModel(bytes, { backend: reference(), ...options });
  opened.push(model);
  return model;
}

describe("an encoder", () => {
  it("says what it is, and refuses to generate", async () => {
    const model = await load(encoderBytes);
    expect(model.info).toMatchObject({
      architecture: "bert",
      canGenerate: false,
      embedding: { dimensions: 18, pooling: "cls" },
    });
    const refused = expect.objectContaining({ code: "MODEL_NOT_GENERATIVE" });
    expect(() => model.generate("AB")).toThrow(refused);
    expect(() => model.createChat()).toThrow(refused);
    await expect(model.score([1, 2, 3])).rejects.toThrow(refused);
  });

  it("puts the tokenizer's tokens around a text, and none around token ids", async () => {
    const model = await load(encoderBytes);
    const [begin, end] = [35, 36];
    const [text, ids, bare] = await model.embed(["ABC", [begin, 0, 1, 2, end], [0, 1, 2]]);
    expect(text).toEqual(ids);
    expect(text).not.toEqual(bare);
    expect(await model.embed([])).toEqual([]);
  });

  it("takes texts up to its context, and truncates longer ones where asked to", async () => {
    const model = await load(encoderBytes);
    expect(model.contextLength).toBe(40);
    const letters = Array.from({ length: 60 }, (_, i) => i % 35);
    const text = String.fromCharCode(...letters.map((id) => 65 + id));
    const [longest] = await model.embed([text.slice(0, 38)]);
    await expect(model.embed(["A", text.slice(0, 39)])).rejects.toMatchObject({
      code: "CONTEXT_FULL",
      details: { index: 1, tokens: 41, contextLength: 40 },
    });
    expect(await model.embed([text], { onContextFull: "truncate" })).toEqual([longest]);
    const cut = await model.embed([letters], { onContextFull: "truncate" });
    expect(cut).toEqual(await model.embed([letters.slice(0, 40)]));
  });

  it("counts the cache of a step in the estimate", async () => {
    const model = await load(encoderBytes);
    const { layers, rowBytes, blocks } = { layers: 2, rowBytes: 4 * 2 * 18, blocks: 48 };
    expect(model.backend.estimate.kvBytes).toBeGreaterThanOrEqual(layers * rowBytes * blocks * 32);
  });

  it("embeds for several callers at a time", async () => {
    const model = await load(encoderBytes);
    const calls = await Promise.all([0, 1, 2].map(() => model.embed(golden.texts)));
    for (const vectors of calls)
      expect(normalisedError(vectors, floats(golden.cls))).toBeLessThanOrEqual(1e-10);
  });
});

describe("embed", () => {
  it.each<[string, unknown, EmbedOptions | { pooling: string }, string]>([
    ["a text that is no list", "ABC", {}, "list of texts"],
    ["a number", [7], {}, "Text 0"],
    ["no tokens", [[0], []], {}, "Text 1 to embed has no tokens"],
    ["an id beyond the vocabulary", [[0, 37]], {}, "Token id 37 of text 0"],
    ["an id that is none", [[0.5]], {}, "Token id 0.5"],
    ["an unknown pooling", ["A"], { pooling: "max" }, 'pooling is one of "mean", "cls", "last", not "max"'],
    ["normalize that is no truth value", ["A"], { normalize: 1 } as never, "normalize"],
    ["an unknown onContextFull", ["A"], { onContextFull: "slide" } as never, "onContextFull"],
  ])("refuses %s", async (_, texts, options, message) => {
    const model = await load(encoderBytes);
    const call = model.embed(texts as never, options as EmbedOptions);
    await expect(call).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(message),
    });
  });

  it("stops at a signal, and the model goes on", async () => {
    const model = await load(encoderBytes);
    await expect(model.embed(["A"], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
    const device = new FragileDevice();
    const other = await load(encoderBytes, { backend: device });
    const controller = new AbortController();
    device.fault = (event, count) => {
      if (event === "step" && count === 2) controller.abort();
      return undefined;
    };
    const many = Array.from({ length: 100 }, () => golden.texts).flat();
    await expect(other.embed(many, { signal: controller.signal })).rejects.toMatchObject({ code: "ABORTED" });
    expect(device.counts.step).toBeLessThan(4);
    expect(normalisedError(await other.embed(golden.texts), floats(golden.cls))).toBeLessThanOrEqual(1e-10);
  });

  it("fails once the model is disposed of", async () => {
    const model = await load(encoderBytes);
    await model.dispose();
    await expect(model.embed(["A"])).rejects.toMatchObject({ code: "DISPOSED" });
  });

  it("goes on after the loss of its backend, with the vectors that it has", async () => {
    const texts = Array.from({ length: 90 }, (_, i) => [i % 37, (i * 7) % 37, 3]);
    const expected = await (await load(encoderBytes)).embed(texts);
    const device = new FragileDevice();
    const model = await load(encoderBytes, { backend: device });
    const before = device.counts.step;
    device.fault = (event, count) => (event === "step" && count === before + 2 ? "BACKEND_LOST" : undefined);
    expect(await model.embed(texts)).toEqual(expected);
    expect(device.counts.step - before).toBe(4); // 32, lost, 32, 26
    expect(model.backend.recoveries).toHaveLength(1);
  });
});

describe("a decoder", () => {
  it("embeds while it generates, and both are as if they were alone", async () => {
    const model = await load(decoderBytes, { promptChunkTokens: 16, kvCapacityTokens: 512, maxSequences: 2 });
    const texts = ["Once upon a time", "there was", "x".repeat(200), "a text"];
    const options = { maxTokens: 12, temperature: 0, ignoreEndOfGeneration: true };
    const alone = await model.generate("Hello", options).result;
    const vectors = await model.embed(texts);
    const [together, again] = await Promise.all([
      model.generate("Hello", options).result,
      model.embed(texts),
    ]);
    expect(together.tokenIds).toEqual(alone.tokenIds);
    expect(again).toEqual(vectors);
    expect(model.info).toMatchObject({ canGenerate: true, embedding: { dimensions: 16, pooling: "last" } });
  });

  it("gives back the cache that it takes", async () => {
    const model = await load(decoderBytes, { contextLength: 64, kvCapacityTokens: 64, maxSequences: 1 });
    for (let i = 0; i < 6; i++) await model.embed(["y".repeat(64), "z".repeat(33), "w"]);
    await expect(model.embed(["y".repeat(65)])).rejects.toMatchObject({ code: "CONTEXT_FULL" });
    expect((await model.generate("y".repeat(40), { maxTokens: 4 }).result).tokenIds.length).toBeGreaterThan(
      0,
    );
  });

  it("takes its pooling from the file", async () => {
    const pooled = (type: number) =>
      tinyModel({ metadata: { "llama.pooling_type": { type: "u32", value: type } } });
    const mean = await load(await pooled(1));
    expect(mean.info.embedding.pooling).toBe("mean");
    expect(await mean.embed(["abc"])).toEqual(
      await (await load(decoderBytes)).embed(["abc"], { pooling: "mean" }),
    );
    await expect(load(await pooled(4))).rejects.toMatchObject({ code: "MODEL_BAD_CONFIG" });
  });
});
