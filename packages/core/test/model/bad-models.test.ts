/** Models that are whole as files but wrong as models: each gets its own code and says what is wrong. */
import { describe, expect, it } from "vitest";
import type { BackendFactory, State } from "../../src/backend/index.js";
import { reference } from "../../src/backend/index.js";
import { MilletError, type MilletErrorCode } from "../../src/errors.js";
import { loadModel } from "../../src/model.js";
import { type TinyOptions, tinyModel } from "./tiny-model.js";

const text = (value: string) => ({ type: "string", value }) as const;
const u32 = (value: number) => ({ type: "u32", value }) as const;
const f32 = (value: number) => ({ type: "f32", value }) as const;
const llama = (key: string, value: ReturnType<typeof text | typeof u32 | typeof f32> | undefined) => ({
  metadata: { [`llama.${key}`]: value },
});

/** [what is wrong, the model, code, a part of the message] */
const BAD: readonly [string, TinyOptions, MilletErrorCode, string][] = [
  [
    "an unknown architecture",
    { metadata: { "general.architecture": text("rwkv") } },
    "MODEL_UNKNOWN_ARCHITECTURE",
    "rwkv",
  ],
  [
    "no architecture",
    { metadata: { "general.architecture": undefined } },
    "MODEL_UNKNOWN_ARCHITECTURE",
    "not given",
  ],
  [
    "a missing key",
    llama("embedding_length", undefined),
    "MODEL_BAD_CONFIG",
    "llama.embedding_length is missing",
  ],
  ["no layers", llama("block_count", u32(0)), "MODEL_BAD_CONFIG", "between 1 and"],
  ["absurdly many layers", llama("block_count", u32(4_000_000_000)), "MODEL_BAD_CONFIG", "between 1 and"],
  ["a key of the wrong type", llama("block_count", text("many")), "MODEL_BAD_CONFIG", "must be a number"],
  ["half a head", llama("attention.head_count", f32(2.5)), "MODEL_BAD_CONFIG", "whole number"],
  [
    "an epsilon that is no number",
    llama("attention.layer_norm_rms_epsilon", f32(Number.NaN)),
    "MODEL_BAD_CONFIG",
    "NaN",
  ],
  ["an odd rotary size", llama("rope.dimension_count", u32(3)), "MODEL_BAD_CONFIG", "even"],
  [
    "a RoPE scaling that is not known",
    llama("rope.scaling.type", text("spiral")),
    "MODEL_BAD_CONFIG",
    "spiral",
  ],
  ["experts", llama("expert_count", u32(8)), "MODEL_BAD_CONFIG", "dense"],
  ["more layers than tensors", llama("block_count", u32(2)), "MODEL_TENSOR_MISSING", "blk.1."],
  [
    "a missing tensor",
    { without: ["blk.0.ffn_down.weight"] },
    "MODEL_TENSOR_MISSING",
    "blk.0.ffn_down.weight",
  ],
  ["a missing embedding", { without: ["token_embd.weight"] }, "MODEL_TENSOR_MISSING", "token_embd.weight"],
  [
    "a tensor of the wrong shape",
    { shapes: { "blk.0.attn_q.weight": [16, 8] } },
    "MODEL_TENSOR_SHAPE",
    "f32[16, 8]; the configuration asks for [16, 16]",
  ],
  ["no tokenizer", { metadata: { "tokenizer.ggml.model": undefined } }, "TOKENIZER_MISSING", "tokenizer"],
  [
    "a tokenizer of an unknown kind",
    { metadata: { "tokenizer.ggml.model": text("runes") } },
    "TOKENIZER_UNSUPPORTED",
    "runes",
  ],
];

describe("loadModel refuses", () => {
  it.each(BAD)("%s", async (_, options, code, part) => {
    const loading = loadModel(await tinyModel(options), { backend: reference() });
    await expect(loading).rejects.toMatchObject({ code, message: expect.stringContaining(part) });
    await expect(loading).rejects.toBeInstanceOf(MilletError);
  });
});

describe("a model goes on after", () => {
  it("a template that never ends", async () => {
    const chatTemplate = "{% for i in range(10) %}{% for j in range(1000000000) %}x{% endfor %}{% endfor %}";
    const model = await loadModel(await tinyModel({ chatTemplate }), { backend: reference() });
    const begin = performance.now();
    const answer = model.createChat().send("Hi").result;
    await expect(answer).rejects.toMatchObject({ code: "TEMPLATE_STEP_LIMIT" });
    expect(performance.now() - begin).toBeLessThan(5000);
    expect((await model.generate("Hi", { maxTokens: 3 }).result).tokenIds.length).toBeGreaterThan(0);
    await model.dispose();
  });

  it("a KV cache that finds no more memory", async () => {
    const model = await loadModel(await tinyModel(), { backend: shortOfMemory(1), maxSequences: 1 });
    const long = model.generate("x".repeat(60), { maxTokens: 2, temperature: 0 });
    await expect(long.result).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    const short = await model.generate("x", { maxTokens: 2, temperature: 0 }).result;
    expect(short.tokenIds.length).toBeGreaterThan(0);
    await model.dispose();
  });
});

/** The reference backend with room for so many blocks. */
function shortOfMemory(blocks: number): BackendFactory {
  return {
    name: "short",
    async create() {
      const backend = await reference().create();
      const load = backend.load.bind(backend);
      backend.load = async (...args) => {
        const model = await load(...args);
        const createState = () => {
          const state: State = model.createState();
          const reserve = state.reserve.bind(state);
          state.reserve = async (count) => {
            if (count > blocks) throw new MilletError("OUT_OF_MEMORY", `No room for ${count} blocks.`);
            return reserve(count);
          };
          return state;
        };
        return { ...model, createState };
      };
      return backend;
    },
  };
}
