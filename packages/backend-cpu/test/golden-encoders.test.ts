/** Encoders on both engines: transformers' hidden states and pooled vectors (fixtures/encoders), and the same bits of both. */
import { loadModel } from "@millet/core";
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../test/support/availability.js";
import {
  GOLDEN_ENCODERS,
  type GoldenEncoder,
  goldenHidden,
  withLetters,
} from "../../../test/support/golden-encoders.js";
import { floats, normalisedError } from "../../../test/support/golden-models.js";
import { type CpuOptions, cpu } from "../src/index.js";
import { nativeEngine } from "./native/requirement.js";

/** Vectors of all texts, with short ones in between so that steps have many, pooled as the file says. */
async function vectorsOf(options: CpuOptions, golden: GoldenEncoder): Promise<Float32Array[]> {
  const file = await withLetters(new URL("model.gguf", golden.folder));
  const model = await loadModel(file, { backend: cpu(options) });
  try {
    const short = Array.from({ length: 37 }, (_, i) => golden.texts[2]!.slice(0, 1 + (i % 5)));
    const vectors = await model.embed([...golden.texts, ...short]);
    const [third] = await model.embed([golden.texts[3]!]);
    expect(third).toEqual(vectors[3]); // not changed by its neighbours
    return vectors;
  } finally {
    await model.dispose();
  }
}

function tests(engine: "wasm" | "native"): void {
  test.each(GOLDEN_ENCODERS)("$name: hidden states of every token", async (golden) => {
    const file = await openGguf(await openSource(new URL("model.gguf", golden.folder)));
    const backend = await cpu({ engine, threads: 2 }).create();
    const rows = await goldenHidden(backend, file, golden).finally(() => backend.dispose());
    await file.close();
    expect(normalisedError(rows, floats(golden.hidden))).toBeLessThanOrEqual(1e-6);
  });

  test.each(GOLDEN_ENCODERS)("$name: vectors", async (golden) => {
    const vectors = await vectorsOf({ engine, threads: 2 }, golden);
    const expected = floats(golden[golden.pooling]);
    expect(normalisedError(vectors.slice(0, golden.texts.length), expected)).toBeLessThanOrEqual(1e-6);
    expect(await vectorsOf({ engine, threads: 1 }, golden)).toEqual(vectors);
  });
}

describe("WASM engine", () => tests("wasm"));
describeWith(nativeEngine(), "native engine", () => {
  tests("native");
  test.each(GOLDEN_ENCODERS)("$name: the bits of the WASM engine", async (golden) => {
    const [wasm, native] = [
      await vectorsOf({ engine: "wasm" }, golden),
      await vectorsOf({ engine: "native" }, golden),
    ];
    expect(native).toEqual(wasm);
  });
});
