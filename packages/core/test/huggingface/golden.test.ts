/**
 * Every model_type against GGUF files of the same models, which the scripts make.py in fixtures write by rules of its own and
 * by the gguf package's names: same metadata, same weights to the last bit.
 */
import { existsSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { openGguf } from "../../src/formats/gguf/index.js";
import { MODEL_TYPES } from "../../src/formats/huggingface/model-types.js";
import { type ModelFile, openContainer } from "../../src/formats/index.js";
import { dequantize } from "../../src/quant/index.js";
import { openSource } from "../../src/store/index.js";
import { byteLength } from "../../src/tensor/tensor.js";
import type { WeightSource } from "../../src/tensor/weights.js";

/** Folders with both. */
const folders = ["models", "encoders"].flatMap((kind) => {
  const fixtures = new URL(`../../../../fixtures/${kind}/`, import.meta.url);
  return readdirSync(fixtures)
    .map((name) => ({ name, folder: new URL(`${name}/`, fixtures) }))
    .filter(({ folder }) => existsSync(new URL("model.safetensors", folder)));
});

const open = async (folder: URL) => openContainer(await openSource(folder), { quantize: "none" });

async function floats(weight: WeightSource): Promise<Float32Array> {
  const bytes = new Uint8Array(byteLength(weight.spec));
  await weight.readInto(0, bytes);
  return dequantize(weight.spec.dtype, bytes);
}

/** GGUF's pairs 2i, 2i + 1 of each head as halves. */
function unpermuted(values: Float32Array, headDim: number, columns: number): Float32Array {
  return values.map((_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const [head, i] = [Math.floor(row / headDim), row % headDim];
    const from = i < headDim / 2 ? 2 * i : 2 * (i - headDim / 2) + 1;
    return values[(head * headDim + from) * columns + column]!;
  });
}

function headDimOf({ metadata }: ModelFile, architecture: string): number {
  const number = (key: string) => Number(metadata.get(`${architecture}.${key}`));
  return number("attention.key_length") || number("embedding_length") / number("attention.head_count");
}

/** Numbers as f32 holds them, lists as lists of numbers. */
function plain(value: unknown): unknown {
  if (typeof value === "number") return Math.fround(value);
  return typeof value === "object" && value !== null
    ? Array.from(value as ArrayLike<unknown>, Number)
    : value;
}

/** Every how manieth layer has no window: layer by layer. */
function layered(key: string, value: unknown, { metadata }: ModelFile): unknown {
  if (!key.endsWith(".sliding_window_pattern") || typeof value !== "number") return value;
  const layers = Number(metadata.get(key.replace("attention.sliding_window_pattern", "block_count")));
  return Array.from({ length: layers }, (_, i) => (i + 1) % value !== 0);
}

test("there is a fixture of every model type", async () => {
  const types = new Set<string>();
  for (const { folder } of folders) {
    const file = await open(folder);
    if ("modelType" in file) types.add(String(file.modelType));
    await file.close();
  }
  const others = ["gemma3", "roberta", "xlm-roberta"]; // model-types.test.ts has them
  expect([...types, ...others].sort()).toEqual(expect.arrayContaining(Object.keys(MODEL_TYPES).sort()));
});

test.each(folders)("$name", async ({ folder }) => {
  const gguf = await openGguf(await openSource(new URL("model.gguf", folder)));
  const file = await open(folder);
  const architecture = gguf.architecture!;
  expect(file.metadata.get("general.architecture")).toBe(architecture);
  for (const [key, value] of gguf.metadata) {
    // Hugging Face's has a file of its own: model-types.test.ts.
    if (!key.startsWith(`${architecture}.`) || key.endsWith(".pooling_type")) continue;
    expect([key, plain(file.metadata.get(key))]).toEqual([key, plain(layered(key, value, gguf))]);
  }
  expect([...file.weights.keys()].sort()).toEqual([...gguf.weights.keys()].sort());
  const isPermuted = ["llama", "granite", "smollm3"].includes(architecture);
  for (const [tensor, weight] of gguf.weights) {
    const own = file.weights.get(tensor)!;
    expect([tensor, own.spec.shape]).toEqual([tensor, weight.spec.shape]);
    const expected = await floats(weight);
    const rotates = isPermuted && /attn_[qk]\.(weight|bias)$/.test(tensor);
    const columns = weight.spec.shape.length === 2 ? weight.spec.shape[1]! : 1;
    expect([tensor, await floats(own)]).toEqual([
      tensor,
      rotates ? unpermuted(expected, headDimOf(file, architecture), columns) : expected,
    ]);
  }
  await file.close();
  await gguf.close();
});
