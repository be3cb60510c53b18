/**
 * Architectures on the device: transformers' logits (fixtures/models). Software GPUs are slow, so only those models are here
 * that need something of kernels which the others do not: windows, caps, norms of groups, scales, parts of heads.
 */
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { expect, test } from "vitest";
import { GOLDEN_MODELS, goldenError, goldenLogits } from "../../../test/support/golden-models.js";
import { describeOnDevice } from "./support/device.js";
import { trustingWebgpu } from "./support/trusting-webgpu.js";

const NAMES = [
  "gemma2-odd",
  "gemma3-odd",
  "gpt2-odd",
  "granite-odd",
  "mistral-odd",
  "olmo2-odd",
  "phi3-long",
  "qwen3-odd",
  "stablelm-odd",
];
const MODELS = GOLDEN_MODELS.filter(({ name }) => NAMES.includes(name));

describeOnDevice("fixtures made with transformers", (device) => {
  test.each(MODELS)("$name", async (model) => {
    const file = await openGguf(await openSource(model.file));
    const backend = await trustingWebgpu({ device: device().gpu }).create();
    const rows = await goldenLogits(backend, file, model);
    await backend.dispose();
    await file.close();
    expect(goldenError(model, rows)).toBeLessThanOrEqual(1e-6);
  });
});
