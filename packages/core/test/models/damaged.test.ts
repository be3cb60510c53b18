/** Files of every architecture that lack a tensor, or have one of another shape: refused by name before a weight is read. */
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOLDEN_ENCODERS } from "../../../../test/support/golden-encoders.js";
import { GOLDEN_MODELS } from "../../../../test/support/golden-models.js";
import { defineModel, type ModelFiles } from "../../src/models/index.js";
import type { WeightSource } from "../../src/tensor/weights.js";

/** Biases that an architecture always has; those of other dense layers and norms may be missing. */
const BIASES: Readonly<Record<string, RegExp>> = {
  qwen2: /\.attn_[qkv]\.bias$/,
  mimo: /\.attn_[qkv]\.bias$/,
  bert: /\.(attn_[qkv]|attn_output|ffn_up|ffn_down)\.bias$/,
  gpt2: /\.(attn_qkv|attn_output|ffn_up|ffn_down)\.bias$/,
};

/** Whether a model without the tensor is another model, as good as this one. */
function isOptional(architecture: string, name: string): boolean {
  if (["output.weight", "rope_freqs.weight", "token_types.weight"].includes(name)) return true;
  // Known by their presence in the first layer: norms of q and k, and that of feed-forward.
  if (architecture === "stablelm" && /^blk\.0\.(attn_q_norm|ffn_norm)\.weight$/.test(name)) return true;
  return name.endsWith(".bias") && !BIASES[architecture]?.test(name);
}

/** What the error names: of a fused tensor its first part. */
function firstPart(architecture: string, name: string): string {
  const part = name.replace("attn_qkv", "attn_q");
  return architecture === "phi3" ? part.replace("ffn_up", "ffn_gate") : part;
}

const ENCODERS = GOLDEN_ENCODERS.map((golden) => ({ ...golden, file: new URL("model.gguf", golden.folder) }));

describe.each([...GOLDEN_MODELS, ...ENCODERS])("$name", ({ file, architecture }) => {
  let files: ModelFiles & { close(): Promise<void> };
  beforeAll(async () => {
    files = await openGguf(await openSource(file));
  });
  afterAll(() => files.close());

  const codeWith = async (change: (weights: Map<string, WeightSource>) => void) => {
    const weights = new Map(files.weights);
    change(weights);
    return defineModel({ ...files, weights }).then(
      () => "none",
      (error) => ({ code: error.code, message: error.message }),
    );
  };

  test("without a tensor", async () => {
    for (const name of files.weights.keys()) {
      const outcome = await codeWith((weights) => weights.delete(name));
      const part = firstPart(architecture, name);
      const refusal = { code: "MODEL_TENSOR_MISSING", message: expect.stringContaining(`"${part}"`) };
      expect(outcome, name).toEqual(isOptional(architecture, name) ? "none" : refusal);
    }
  });

  test("with attention to both sides, or to one, that its architecture does not have", async () => {
    const codeOf = (causal: unknown) => {
      const metadata = new Map([...files.metadata, [`${architecture}.attention.causal`, causal]]);
      return defineModel({ ...files, metadata }).then(
        ({ kind }) => kind,
        (error) => error.code,
      );
    };
    const { kind } = await defineModel(files);
    expect(await codeOf(kind === "decoder")).toBe(kind);
    expect(await codeOf(kind !== "decoder")).toBe("MODEL_BAD_CONFIG");
  });

  test("with a row too many", async () => {
    for (const [name, source] of files.weights) {
      // Without this key the embedding says how many tokens there are.
      if (name === "token_embd.weight" && !files.metadata.has(`${architecture}.vocab_size`)) continue;
      if (name === "token_types.weight") continue; // so does this of types of text
      const [rows, ...others] = source.spec.shape;
      const wrong = { ...source, spec: { ...source.spec, shape: [rows! + 1, ...others] } };
      const outcome = await codeWith((weights) => weights.set(name, wrong));
      expect(outcome, name).toMatchObject({ code: "MODEL_TENSOR_SHAPE" });
    }
  });
});
