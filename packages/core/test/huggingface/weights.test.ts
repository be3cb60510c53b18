/** What becomes of a folder's tensors: types, bits, ranges, and how much of them is in memory. */
import { describe, expect, it } from "vitest";
import { type OpenOptions, openContainer } from "../../src/formats/index.js";
import type { SafetensorsContents } from "../../src/formats/safetensors/index.js";
import { dequantize, quantize } from "../../src/quant/index.js";
import { openSource } from "../../src/store/index.js";
import type { DType } from "../../src/tensor/dtype.js";
import { byteLength } from "../../src/tensor/tensor.js";
import type { WeightSource } from "../../src/tensor/weights.js";
import { makeSafetensors, tensor } from "../safetensors/make.js";
import { CONFIG, filesOf, json, makeFolder, SHAPES, TENSORS } from "./folder.js";

type Choice = NonNullable<OpenOptions["quantize"]>;

async function open(folder: Record<string, Uint8Array>, quantize?: Choice) {
  return openContainer(await openSource(filesOf(folder)), { quantize });
}

const withTensors = async (tensors: readonly SafetensorsContents[], config: object = CONFIG) =>
  makeFolder({ "config.json": json(config), "model.safetensors": await makeSafetensors(tensors) });

async function bytesOf(weight: WeightSource): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength(weight.spec));
  await weight.readInto(0, bytes);
  return bytes;
}

const stored = (name: string) => {
  const { type, data } = TENSORS.find((candidate) => candidate.name === name)!;
  return dequantize(type.toLowerCase() as DType, data as Uint8Array);
};
const UP = "model.layers.0.mlp.up_proj.weight";

describe("matrices", () => {
  it.each<[Choice | undefined, DType]>([
    [undefined, "q8_0"],
    ["q8_0", "q8_0"],
    ["q4_0", "q4_0"],
    ["none", "bf16"],
  ])("with quantize %s are %s, as the whole tensor encoded", async (choice, dtype) => {
    const { weights, tensors } = await open(await makeFolder(), choice);
    const own = weights.get("blk.0.ffn_up.weight")!;
    expect(own.spec).toEqual({ dtype, shape: [96, 64] });
    expect(await bytesOf(own)).toEqual(quantize(dtype, stored(UP)));
    expect(tensors.get("blk.0.ffn_up.weight")).toMatchObject({
      type: { name: dtype },
      byteLength: byteLength(own.spec),
    });
    for (const name of ["token_embd.weight", "output.weight"])
      expect(weights.get(name)!.spec.dtype).toBe(dtype);
  });

  it.each(["F32", "F16", "BF16"] as const)(
    "may be stored as %s, and the model has several types",
    async (type) => {
      const others = SHAPES.map(([name, shape], i) => tensor(name, i % 2 ? type : "BF16", shape, i + 1));
      const [a, b] = await Promise.all([open(await withTensors(others)), open(await makeFolder())]);
      for (const [name, weight] of a.weights)
        expect(await bytesOf(weight)).toEqual(await bytesOf(b.weights.get(name)!));
      await expect(withTensors(others).then((folder) => open(folder, "none"))).resolves.toMatchObject({
        container: "huggingface",
      });
    },
  );

  it("stay as they are where rows do not divide into blocks or there is little to save", async () => {
    const shapes = {
      ...CONFIG,
      hidden_size: 48,
      num_attention_heads: 3,
      num_key_value_heads: 1,
      head_dim: 16,
    };
    const tensors = SHAPES.map(([name, shape], i) =>
      tensor(
        name,
        "F16",
        shape.map((size) => (size === 64 ? 48 : size === 32 ? 16 : size)),
        i,
      ),
    );
    const { weights } = await open(await withTensors(tensors, shapes));
    const types = Object.fromEntries([...weights].map(([name, { spec }]) => [name, spec.dtype]));
    expect(types).toMatchObject({
      "token_embd.weight": "f16",
      "blk.0.attn_q.weight": "f16",
      "blk.0.ffn_down.weight": "q8_0", // rows of 96
      "output_norm.weight": "f32",
    });
    const small = [...TENSORS.filter(({ name }) => name !== UP), tensor(UP, "BF16", [16, 32])];
    expect((await open(await withTensors(small))).weights.get("blk.0.ffn_up.weight")!.spec.dtype).toBe(
      "bf16",
    );
  });

  it("give any range of their bytes, and no bytes outside", async () => {
    for (const choice of ["q8_0", "q4_0", "none"] as const) {
      const weight = (await open(await makeFolder(), choice)).weights.get("blk.0.ffn_up.weight")!;
      const whole = await bytesOf(weight);
      for (const [from, to] of [
        [0, 1],
        [33, 35],
        [1, 3000],
        [whole.length - 7, whole.length],
        [50, 50],
      ] as const) {
        const part = new Uint8Array(to - from);
        await weight.readInto(from, part);
        expect([from, part]).toEqual([from, whole.slice(from, to)]);
      }
      for (const [from, length] of [
        [-1, 2],
        [whole.length - 1, 2],
        [Number.NaN, 1],
      ] as const) {
        await expect(weight.readInto(from, new Uint8Array(length))).rejects.toMatchObject({
          code: "INVALID_ARGUMENT",
        });
      }
    }
  });

  it("are read by ranges of a mebibyte, never as a whole", async () => {
    const big = { name: UP, type: "BF16", shape: [4096, 1024], data: new Uint8Array(2 * 4096 * 1024) };
    const folder = await withTensors([...TENSORS.filter(({ name }) => name !== UP), big]);
    const source = await openSource(filesOf(folder));
    const asked: number[] = [];
    const file = await openContainer({
      ...source,
      read: (...range) => source.read(...range),
      readInto: (...range) => source.readInto(...range),
      close: () => source.close(),
      async sibling(name) {
        const other = await source.sibling(name);
        return {
          ...other,
          name,
          byteLength: other.byteLength,
          sibling: (next) => source.sibling(next),
          read: (...range) => other.read(...range),
          readInto: (offset, target) => {
            asked.push(target.byteLength);
            return other.readInto(offset, target);
          },
          close: () => other.close(),
        };
      },
    });
    asked.length = 0;
    await bytesOf(file.weights.get("blk.0.ffn_up.weight")!);
    expect(Math.max(...asked)).toBeLessThanOrEqual(1 << 20);
    expect(asked.reduce((a, b) => a + b)).toBe(2 * 4096 * 1024);
  });
});

it("vectors are f32", async () => {
  const { weights } = await open(await makeFolder(), "none");
  const norm = weights.get("output_norm.weight")!;
  expect(norm.spec).toEqual({ dtype: "f32", shape: [64] });
  expect(new Float32Array((await bytesOf(norm)).buffer)).toEqual(stored("model.norm.weight"));
});

describe("a folder is refused for", () => {
  const without = (name: string) => TENSORS.filter((candidate) => candidate.name !== name);
  it.each<[string, readonly SafetensorsContents[], object, string]>([
    [
      "an unknown tensor",
      [...TENSORS, tensor("model.layers.0.mlp.magic.weight", "F32", [4])],
      {},
      "MODEL_TENSOR_UNKNOWN",
    ],
    ["a tensor twice", [...TENSORS, tensor("norm.weight", "F32", [64])], {}, "MODEL_TENSOR_UNKNOWN"],
    [
      "a tensor of three dimensions",
      [...without(UP), tensor(UP, "F32", [2, 4, 8])],
      {},
      "MODEL_TENSOR_SHAPE",
    ],
    [
      "a type that holds no weights",
      [...without(UP), { name: UP, type: "I64", shape: [96, 64], data: new Uint8Array(8 * 96 * 64) }],
      {},
      "SAFETENSORS_UNKNOWN_DTYPE",
    ],
    ["an unknown model_type", TENSORS, { model_type: "mamba" }, "MODEL_UNKNOWN_ARCHITECTURE"],
    ["another activation", TENSORS, { hidden_act: "relu" }, "MODEL_BAD_CONFIG"],
    ["a missing size", TENSORS, { hidden_size: null }, "MODEL_BAD_CONFIG"],
    ["a size of another type", TENSORS, { num_hidden_layers: "1" }, "MODEL_BAD_CONFIG"],
    ["unknown RoPE scaling", TENSORS, { rope_scaling: { type: "dynamic", factor: 2 } }, "MODEL_BAD_CONFIG"],
    ["heads of no size", TENSORS, { num_attention_heads: 0 }, "MODEL_BAD_CONFIG"],
    [
      "bitsandbytes",
      TENSORS,
      { quantization_config: { quant_method: "bitsandbytes" } },
      "MODEL_UNSUPPORTED_QUANTIZATION",
    ],
  ])("%s", async (_, tensors, config, code) => {
    await expect(
      withTensors(tensors, { ...CONFIG, ...config }).then((folder) => open(folder)),
    ).rejects.toMatchObject({
      code,
    });
  });
});

describe("tensors that a model does without", () => {
  it("are passed over: buffers, a tied output", async () => {
    const buffer = tensor("model.layers.0.self_attn.rotary_emb.inv_freq", "F32", [8]);
    const { weights } = await open(
      await withTensors([...TENSORS, buffer], { ...CONFIG, tie_word_embeddings: true }),
    );
    expect(weights.has("output.weight")).toBe(false);
    expect(weights.size).toBe(TENSORS.length - 1);
  });

  it("are passed over: the parts of multimodal models that read images", async () => {
    const prefixed = TENSORS.map((each) => ({ ...each, name: `language_model.${each.name}` }));
    const vision = [
      tensor("vision_tower.x.weight", "F32", [4]),
      tensor("multi_modal_projector.y", "F32", [4]),
    ];
    const config = {
      model_type: "gemma3",
      text_config: { ...CONFIG, model_type: "llama" },
      vision_config: {},
    };
    const { weights, metadata } = await open(await withTensors([...prefixed, ...vision], config));
    expect(weights.size).toBe(TENSORS.length);
    expect(metadata.get("llama.embedding_length")).toBe(64);
  });
});
