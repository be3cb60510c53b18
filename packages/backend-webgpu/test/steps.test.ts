/** What a decode step costs, counted from the compiled programs: dispatches, and bytes of weights read. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import { describe, expect, test } from "vitest";
import { GOLDEN_MODELS } from "../../../test/support/golden-models.js";
import { featuresForAll } from "../src/kernels/features.js";
import { planModel } from "../src/model-plan.js";

/** The least that WebGPU promises (section 3.6.2), where a device's own do not matter. */
const LIMITS = { maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27 };

async function decodePrograms() {
  const file = await openGguf(await openSource(smollm2));
  const definition = await defineModel(file);
  await file.close();
  const shape = { tokens: 4, logits: 4, sequences: 4, blocksPerSequence: 64 };
  const decode = definition.step({
    name: "decode",
    ...shape,
    sampling: { candidates: 128, history: 64 },
  });
  const kv: KvPlan = { ...definition.kv, dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks: 256 };
  const plan = planModel({ decode }, kv, LIMITS, featuresForAll(new Set()));
  return {
    plan,
    layers: definition.kv.layers,
    programs: plan.graphs[0]!.lowered.map(({ program }) => program),
  };
}

describe("a decode step of the shipped model", async () => {
  const { plan, layers, programs } = await decodePrograms();

  test("has a program for one row and one for all", () => {
    expect(programs).toHaveLength(2);
  });

  test.each([0, 1])("has at most 7 dispatches per layer and 6 more (program %i)", (i) => {
    const { dispatches } = programs[i]!;
    expect(dispatches.length).toBeLessThanOrEqual(7 * layers + 6);
    for (let layer = 0; layer < layers; layer++) {
      const own = dispatches.filter(
        ({ label }) => label === `layer ${layer}` || label.startsWith(`blk.${layer}.`),
      );
      expect(own.length, `layer ${layer}`).toBeGreaterThanOrEqual(4);
      expect(own.length, `layer ${layer}`).toBeLessThanOrEqual(7);
    }
  });

  test.each([0, 1])("reads every weight once (program %i)", (i) => {
    const read = programs[i]!.dispatches.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
    expect(read).toBeGreaterThan(0.97 * plan.weights.byteLength); // the vectors of norms are not counted
    expect(read).toBeLessThanOrEqual(1.02 * plan.weights.byteLength);
  });

  test("prints its dispatches", () => {
    const text = String(programs[0]);
    expect(text).toMatch(/^program decode \{\n {2}slots of [\d, ]+ bytes\n {2}0 embedding/);
    expect(text.split("\n")).toHaveLength(programs[0]!.dispatches.length + 3);
    expect(text).toContain("blk.3.attn_q.weight blk.3.attn_k.weight blk.3.attn_v.weight");
  });
});

/** Dispatches of a layer: norms of q and k, norms after a branch and layer_norm take one each. */
const PER_LAYER = {
  llama: 7,
  granite: 7,
  phi3: 7,
  qwen3: 8,
  gemma2: 9,
  gpt2: 9,
  stablelm: 9,
  gemma3: 10,
  olmo2: 10,
};

test.each(Object.entries(PER_LAYER))(
  "a decode step of %s has %i dispatches a layer",
  async (name, perLayer) => {
    const { file: source } = GOLDEN_MODELS.find((model) => model.name === name)!;
    const file = await openGguf(await openSource(source));
    const { step, kv } = await defineModel(file);
    await file.close();
    const decode = step({ name: "decode", tokens: 1, logits: 1, sequences: 1, blocksPerSequence: 2 });
    const plan = planModel(
      { decode },
      { ...kv, dtype: "f32", blockRows: KV_BLOCK_ROWS, maxBlocks: 2 },
      LIMITS,
      featuresForAll(new Set()),
    );
    const { length } = plan.graphs[0]!.lowered[0]!.program.dispatches;
    expect(length).toBeGreaterThan(perLayer * kv.layers);
    expect(length).toBeLessThanOrEqual(perLayer * kv.layers + 6);
  },
);
