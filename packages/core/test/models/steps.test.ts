/** Steps besides tokens to logits: hidden states out, embeddings in, multi-token prediction; against transformers. */
import { type Backend, reference } from "@millet/core/backend";
import { type GgufModelFile, openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { describe, expect, test } from "vitest";
import {
  floats,
  GOLDEN_MODELS,
  type GoldenModel,
  goldenError,
  normalisedError,
} from "../../../../test/support/golden-models.js";
import { goldenMtpLogits, goldenStates } from "../../../../test/support/golden-steps.js";

async function withModel<T>(
  model: GoldenModel,
  body: (backend: Backend, file: GgufModelFile) => Promise<T>,
): Promise<T> {
  const file = await openGguf(await openSource(model.file));
  try {
    return await body(await reference().create(), file);
  } finally {
    await file.close();
  }
}

describe.each(["gemma3-odd", "granite", "mimo", "phi3-long"])("%s", (name) => {
  const model = GOLDEN_MODELS.find((candidate) => candidate.name === name)!;
  test.each(["tokens", "embeddings"] as const)("hidden states and logits from %s", async (input) => {
    const { hidden, logits } = await withModel(model, (backend, file) =>
      goldenStates(backend, file, model, input),
    );
    expect(normalisedError(hidden.slice(-1), floats(model.hidden))).toBeLessThanOrEqual(1e-10);
    expect(goldenError(model, logits)).toBeLessThanOrEqual(1e-10);
  });
});

describe("multi-token prediction", () => {
  const models = GOLDEN_MODELS.filter(({ mtpLogits }) => mtpLogits);
  test("has golden models", () => expect(models.map(({ name }) => name)).toEqual(["mimo", "mimo-odd"]));

  test.each(models)("$name: logits are PyTorch's", async (model) => {
    const rows = await withModel(model, async (backend, file) => {
      const { residual } = await goldenStates(backend, file, model, "tokens");
      return goldenMtpLogits(backend, file, model, residual);
    });
    const kept = model.rows.slice(0, -1).map((row) => rows[row]!);
    expect(normalisedError(kept, floats(model.mtpLogits!))).toBeLessThanOrEqual(1e-10);
  });
});
