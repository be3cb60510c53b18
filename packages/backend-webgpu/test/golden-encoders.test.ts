/** An encoder on the device: transformers' hidden states (fixtures/encoders). One, since software GPUs are slow. */
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { expect, test } from "vitest";
import { GOLDEN_ENCODERS, goldenHidden } from "../../../test/support/golden-encoders.js";
import { floats, normalisedError } from "../../../test/support/golden-models.js";
import { webgpu } from "../src/index.js";
import { describeOnDevice } from "./support/device.js";

const MODELS = GOLDEN_ENCODERS.filter(({ name }) => name === "bert-odd");

describeOnDevice("encoders made with transformers", (device) => {
  test.for(MODELS)("$name", async (golden) => {
    const file = await openGguf(await openSource(new URL("model.gguf", golden.folder)));
    const backend = await webgpu({ device: device().gpu }).create();
    try {
      const rows = await goldenHidden(backend, file, golden);
      expect(normalisedError(rows, floats(golden.hidden))).toBeLessThanOrEqual(1e-6);
    } finally {
      await backend.dispose();
      await file.close();
    }
  });
});
