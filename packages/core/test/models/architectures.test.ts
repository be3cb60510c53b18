/** Every architecture on the reference backend against transformers (fixtures/models), and the list of them. */
import { readdirSync } from "node:fs";
import { reference } from "@millet/core/backend";
import { openContainer } from "@millet/core/formats";
import { openSource } from "@millet/core/store";
import { describe, expect, test } from "vitest";
import { GOLDEN_ENCODERS } from "../../../../test/support/golden-encoders.js";
import { GOLDEN_MODELS, goldenError, goldenLogits } from "../../../../test/support/golden-models.js";
import { ARCHITECTURES } from "../../src/models/index.js";

/** Files of models/ that are no architecture. */
const SHARED = [
  "config.ts",
  "definition.ts",
  "encoder.ts",
  "fused.ts",
  "index.ts",
  "pooling.ts",
  "views.ts",
  "weights.ts",
];

describe("the list of architectures", () => {
  test("is the folder", () => {
    const files = readdirSync(new URL("../../src/models/", import.meta.url)).filter(
      (name) => name.endsWith(".ts") && !SHARED.includes(name),
    );
    expect(ARCHITECTURES.map(({ name }) => `${name}.ts`)).toEqual(files.sort());
  });

  test("has golden models of each", () => {
    const golden = new Set([...GOLDEN_MODELS, ...GOLDEN_ENCODERS].map(({ architecture }) => architecture));
    expect([...golden].sort()).toEqual(ARCHITECTURES.map(({ name }) => name));
  });
});

describe.each(["model.gguf", "config.json"])("transformers' logits from %s", (first) => {
  test.each(GOLDEN_MODELS)("$name", async (model) => {
    const source = await openSource(new URL(first, model.folder));
    const file = await openContainer(source, { quantize: "none" });
    const backend = await reference().create();
    const error = goldenError(model, await goldenLogits(backend, file, model));
    await file.close();
    expect(error).toBeLessThanOrEqual(1e-10);
  });
});
