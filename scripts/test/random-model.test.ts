import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { dequantize, QUANT_FORMATS } from "@millet/core/quant";
import { openSource } from "@millet/core/store";
import { DTYPES } from "@millet/core/tensor";
import { ggufTokenizer } from "@millet/core/tokenizer";
import { afterAll, describe, expect, it } from "vitest";
import { BLOCK_TYPES, isCodeField } from "../random-model/blocks.ts";
import { type RandomModel, writeRandomModel } from "../random-model/model.ts";
import { parameterCount, SHAPES, tensorPlans } from "../random-model/shapes.ts";
import { randomWeights, WEIGHT_TYPES, type WeightType } from "../random-model/weights.ts";

const folder = mkdtempSync(join(tmpdir(), "millet-random-"));
afterAll(() => rmSync(folder, { recursive: true }));

const tiny: RandomModel = { shape: SHAPES.tiny!, type: "q4_0", seed: 1 };
/** The small shape whose rows divide into the type's blocks. */
const shapeFor = (type: WeightType) => SHAPES[DTYPES[type].blockElements > 32 ? "tiny-256" : "tiny"]!;

async function write(changes: Partial<RandomModel> = {}) {
  const path = join(folder, `${Math.random()}.gguf`);
  const byteLength = await writeRandomModel(path, { ...tiny, ...changes });
  expect(readFileSync(path).byteLength).toBe(byteLength);
  return path;
}

describe("a random model", () => {
  it.each(WEIGHT_TYPES)(
    "of %s has every tensor, of that type, with the planned deviation and no offset",
    async (type) => {
      const model = await openGguf(await openSource(await write({ type, shape: shapeFor(type) })));
      const plans = tensorPlans(shapeFor(type));
      expect([...model.tensors.keys()]).toEqual(plans.map(({ name }) => name));
      for (const { name, shape, deviation } of plans) {
        const { spec, byteLength } = model.tensors.get(name)!;
        expect(spec).toEqual({ dtype: deviation === undefined ? "f32" : type, shape });
        const bytes = new Uint8Array(byteLength!);
        await model.weights.get(name)!.readInto(0, bytes);
        const values = dequantize(spec!.dtype, bytes);
        const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
        const rms = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
        const relative = rms / (deviation ?? 1);
        expect(relative).toBeGreaterThan(0.9);
        expect(relative).toBeLessThan(1.1);
        if (deviation !== undefined) expect(Math.abs(mean) / rms).toBeLessThan(5 / Math.sqrt(values.length));
      }
      await model.close();
    },
  );

  it.each(["qwen3-0.6b", "gemma3-1b", "mimo-7b", "minilm-l6"])(
    "of shape %s is a model that loads, with the parameters that its name says",
    async (name) => {
      const shape = SHAPES[name]!;
      const billions = { "qwen3-0.6b": 0.596, "gemma3-1b": 1.0, "mimo-7b": 7.83, "minilm-l6": 0.0226 }[name]!;
      expect(Math.abs(parameterCount(shape) / 1e9 - billions)).toBeLessThan(0.01);
      const layers = 1;
      const sizes = { layers, hidden: 64, heads: 4, ffn: 96, vocab: 512 };
      const heads = name === "minilm-l6" ? { kvHeads: 4 } : { headDim: 32, kvHeads: 2 };
      const small = { ...shape, ...sizes, ...heads };
      const file = await openGguf(await openSource(await write({ shape: small, type: "q8_0" })));
      const definition = await defineModel(file);
      expect(definition.architecture).toBe(shape.architecture);
      expect(definition.kv.layers).toBe(layers);
      expect(definition.parameterCount).toBe(parameterCount(small));
      await file.close();
    },
  );

  it("is the same for the same seed and another for another", async () => {
    const [first, again, other] = await Promise.all([write(), write(), write({ seed: 2 })]);
    expect(Buffer.compare(readFileSync(first), readFileSync(again))).toBe(0);
    expect(Buffer.compare(readFileSync(first), readFileSync(other))).not.toBe(0);
  });

  it.each(BLOCK_TYPES)("of %s has no two blocks alike, and codes of all values", async (type) => {
    const { blockElements, blockBytes } = DTYPES[type];
    const [piece] = randomWeights(type, 512 * blockElements, 0.02, 1, "x");
    const blocks = Array.from({ length: 512 }, (_, i) =>
      piece!.subarray(i * blockBytes, (i + 1) * blockBytes),
    );
    expect(new Set(blocks.map((block) => Buffer.from(block).toString("hex"))).size).toBe(512);
    for (const { name, byteOffset, byteLength } of QUANT_FORMATS[type].layout) {
      if (!isCodeField(name)) continue;
      const bytes = blocks.flatMap((block) => [...block.subarray(byteOffset, byteOffset + byteLength)]);
      expect(new Set(bytes).size).toBe(256);
    }
  });

  it("is refused before anything is written where rows do not divide into blocks", async () => {
    const path = join(folder, "refused.gguf");
    const refused = writeRandomModel(path, { ...tiny, shape: SHAPES["smollm2-135m"]!, type: "q4_k" });
    await expect(refused).rejects.toThrow(
      "q4_k needs rows of a multiple of 256 elements, but token_embd.weight has rows of 576",
    );
    expect(existsSync(path)).toBe(false);
  });

  it("can have an embedding of another type and an output of its own", async () => {
    const shape = { ...tiny.shape, tied: false };
    const model = await openGguf(await openSource(await write({ shape, embeddingType: "q8_0" })));
    const types = [...model.tensors.values()].map(({ name, type }) => [name, type.name]);
    expect(types.filter(([, type]) => type === "q8_0")).toEqual([
      ["token_embd.weight", "q8_0"],
      ["output.weight", "q8_0"],
    ]);
    await model.close();
  });

  it("says that its shape is assumed where it is, and has the documented size", () => {
    for (const [name, shape] of Object.entries(SHAPES)) {
      if (name.startsWith("milm")) expect(shape.title).toContain("assumed shape");
    }
    expect(parameterCount(SHAPES["milm-1.3b"]!) / 1e9).toBeCloseTo(1.364, 3);
    expect(parameterCount(SHAPES["milm-6b"]!) / 1e9).toBeCloseTo(6.33, 2);
    expect(parameterCount(SHAPES["smollm2-135m"]!) / 1e6).toBeCloseTo(134.5, 1);
  });

  it("comes in pieces that add up, the last one short", () => {
    const elements = 2 ** 21 + 64;
    const pieces = [...randomWeights("q8_0", elements, 0.02, 1, "x")].map((piece) => piece.byteLength);
    expect(pieces.length).toBe(3);
    expect(pieces.reduce((a, b) => a + b)).toBe((elements / 32) * 34);
  });
});

describe("its tokenizer", () => {
  const text = 'Hello, "world"!\n\tGrüße 世界 🌍 2026';

  it("encodes any text and decodes it to itself", async () => {
    const model = await openGguf(await openSource(await write()));
    const tokenizer = ggufTokenizer(model.metadata);
    const ids = tokenizer.encode(text);
    expect(Math.max(...ids)).toBeLessThan(tiny.shape.vocab);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(model.metadata.info("tokenizer.ggml.tokens")?.length).toBe(tiny.shape.vocab);
    await model.close();
  });

  it("can be copied from another file, filled up with unused tokens", async () => {
    const source = await write();
    const shape = { ...tiny.shape, vocab: 600 };
    const model = await openGguf(await openSource(await write({ shape, vocabFrom: source })));
    const tokens = model.metadata.get("tokenizer.ggml.tokens") as string[];
    expect([tokens.length, tokens.at(-1)]).toEqual([600, "<|unused_87|>"]);
    expect(ggufTokenizer(model.metadata).decode(ggufTokenizer(model.metadata).encode(text))).toBe(text);
    await model.close();
    const smaller = { ...tiny.shape, vocab: 300 };
    await expect(write({ shape: smaller, vocabFrom: source })).rejects.toThrow("room for 300");
  });
});
