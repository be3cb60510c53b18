/** Quantized while it is read, a model computes nearly what transformers does; as it is stored: models/architectures.test.ts. */
import { reference } from "@millet/core/backend";
import { openContainer } from "@millet/core/formats";
import { openSource } from "@millet/core/store";
import { expect, test } from "vitest";
import { GOLDEN_MODELS, goldenError, goldenLogits } from "../../../../test/support/golden-models.js";

// Rows of these divide into blocks; random weights of 32 columns suffer more than a trained model's.
test.each([
  ["llama", "q8_0", 1e-3],
  ["qwen2", "q8_0", 1e-3],
  ["llama", "q4_0", 0.3],
] as const)("%s as %s", async (name, quantize, most) => {
  const model = GOLDEN_MODELS.find((each) => each.name === name)!;
  const backend = await reference().create();
  const file = await openContainer(await openSource(model.folder), { quantize });
  const error = goldenError(model, await goldenLogits(backend, file, model));
  await file.close();
  expect(error).toBeLessThan(most);
  expect(error).toBeGreaterThan(1e-9);
});
