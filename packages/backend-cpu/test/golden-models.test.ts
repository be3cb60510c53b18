/**
 * Every architecture on both engines: transformers' logits (fixtures/models) from weights that are not quantized; from
 * q8_0, what the reference backend gives for the same weights, but for the rounding of activations to 8 bits.
 */
import { type Backend, reference } from "@millet/core/backend";
import { type GgufModelFile, openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { describe, expect, test } from "vitest";
import { asFloats, asQ8 } from "../../../test/support/as-floats.js";
import { describeWith } from "../../../test/support/availability.js";
import {
  floats,
  GOLDEN_MODELS,
  type GoldenModel,
  goldenError,
  goldenLogits,
  normalisedError,
} from "../../../test/support/golden-models.js";
import { goldenMtpLogits, goldenStates } from "../../../test/support/golden-steps.js";
import { cpu } from "../src/index.js";
import { nativeEngine } from "./native/requirement.js";

/** Those whose rows divide by 32, as blocks need. */
const EVEN = GOLDEN_MODELS.filter(({ name }) => !name.includes("-"));
const WITH_MTP = GOLDEN_MODELS.filter(({ mtpLogits }) => mtpLogits);

/** Runs `body` on a model and a new backend. */
async function on<T>(
  engine: "wasm" | "native",
  model: GoldenModel,
  body: (backend: Backend, file: GgufModelFile) => Promise<T>,
): Promise<T> {
  const file = await openGguf(await openSource(model.file));
  const backend = await cpu({ engine, threads: 2 }).create();
  try {
    return await body(backend, file);
  } finally {
    await backend.dispose();
    await file.close();
  }
}

function tests(engine: "wasm" | "native"): void {
  test.each(GOLDEN_MODELS)("$name: transformers' logits", async (model) => {
    const rows = await on(engine, model, (backend, file) => {
      // Half of the models as the file has them, with bf16 matrices, the others with f32.
      const weights = EVEN.includes(model)
        ? file.weights
        : new Map([...file.weights].map(([name, source]) => [name, asFloats(source)]));
      return goldenLogits(backend, { ...file, weights }, model, 9);
    });
    expect(goldenError(model, rows)).toBeLessThanOrEqual(1e-6);
  });

  test.each(EVEN)("$name in q8_0: the reference's logits", async (model) => {
    const [rows, exact] = await on(engine, model, async (backend, file) => {
      const files = { ...file, weights: asQ8(file.weights) };
      const simple = await reference().create();
      return [await goldenLogits(backend, files, model), await goldenLogits(simple, files, model)];
    });
    const expected = Float32Array.from(exact!.flatMap((row) => [...row]));
    // Rounding activations to 8 bits costs about as much as rounding weights to 8 bits does.
    expect(normalisedError(rows!, expected)).toBeLessThanOrEqual(2 * goldenError(model, exact!));
  });

  test.each(WITH_MTP)("$name: PyTorch's logits of multi-token prediction", async (model) => {
    const rows = await on(engine, model, async (backend, file) => {
      const { residual } = await goldenStates(backend, file, model, "embeddings");
      return goldenMtpLogits(backend, file, model, residual);
    });
    const kept = model.rows.slice(0, -1).map((row) => rows[row]!);
    expect(normalisedError(kept, floats(model.mtpLogits!))).toBeLessThanOrEqual(1e-6);
  });
}

describe("WASM engine", () => tests("wasm"));
describeWith(nativeEngine(), "native engine", () => tests("native"));
