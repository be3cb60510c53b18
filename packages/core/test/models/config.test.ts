/** What architectures read from metadata: frequencies of RoPE, windows of layers; and what they refuse. */
import { describe, expect, test } from "vitest";
import { ConfigReader } from "../../src/models/config.js";
import { readRope } from "../../src/models/decoder/rope.js";
import { llama3Rotation } from "../../src/models/decoder/rope-scaling.js";
import { layerWindows } from "../../src/models/decoder/windows.js";
import { tensorOf } from "../../src/tensor/tensor.js";
import type { WeightSource } from "../../src/tensor/weights.js";

function config(entries: Readonly<Record<string, unknown>>): ConfigReader {
  return new ConfigReader("x", new Map(Object.entries(entries).map(([key, value]) => [`x.${key}`, value])));
}

function vector(values: readonly number[]): WeightSource {
  const { spec, data } = tensorOf("f32", [values.length], Float32Array.from(values));
  return {
    spec,
    readInto: async (offset, target) => target.set(data.subarray(offset, offset + target.length)),
  };
}

const ropeOf = (entries: Readonly<Record<string, unknown>>, weights = new Map<string, WeightSource>()) =>
  readRope(config(entries), weights, { headDim: 8, interleaved: false });

describe("RoPE", () => {
  test("Llama 3's scaling as Hugging Face files describe it is the factors that GGUF files hold", async () => {
    const scaling = { factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 32 };
    const plain = await ropeOf({ "rope.freq_base": 500000 });
    const factors = llama3Rotation(500000, 8, scaling).inverseFrequencies.map(
      (frequency, i) => plain(1).inverseFrequencies[i]! / frequency,
    );
    expect(Math.min(...factors)).toBe(1);
    expect(Math.max(...factors)).toBeCloseTo(8);
    const described = await ropeOf({
      "rope.freq_base": 500000,
      "rope.scaling.type": "llama3",
      "rope.scaling.factor": 8,
      "rope.scaling.low_freq_factor": 1,
      "rope.scaling.high_freq_factor": 4,
      "rope.scaling.original_context_length": 32,
    });
    const held = await ropeOf(
      { "rope.freq_base": 500000 },
      new Map([["rope_freqs.weight", vector(factors)]]),
    );
    described(1).inverseFrequencies.forEach((frequency, i) =>
      expect(frequency / held(1).inverseFrequencies[i]!).toBeCloseTo(1, 6),
    );
  });

  test("LongRoPE's factors are chosen by the longest sequence that a session may hold", async () => {
    const weights = new Map([
      ["rope_factors_short.weight", vector([1, 1, 1, 1])],
      ["rope_factors_long.weight", vector([2, 2, 2, 2])],
    ]);
    const rope = await ropeOf({ context_length: 64, "rope.scaling.original_context_length": 16 }, weights);
    expect(rope(16).inverseFrequencies[0]).toBe(1);
    expect(rope(17).inverseFrequencies[0]).toBe(0.5);
    expect(rope(16).magnitude).toBeCloseTo(Math.sqrt(1 + Math.log(4) / Math.log(16)));
    expect(rope(17).magnitude).toBe(rope(16).magnitude);
  });

  test.each([
    ["a scaling that is not known", { "rope.scaling.type": "spiral" }, "spiral"],
    ["LongRoPE without its factors", { "rope.scaling.type": "longrope" }, "longrope"],
    ["a scaling without its factor", { "rope.scaling.type": "linear" }, "rope.scaling.factor"],
    ["an odd number of elements", { "rope.dimension_count": 3 }, "even"],
    ["more elements than a head has", { "rope.dimension_count": 10 }, "dimension_count"],
  ])("refuses %s", async (_, entries, part) => {
    await expect(ropeOf(entries)).rejects.toMatchObject({
      code: "MODEL_BAD_CONFIG",
      message: expect.stringContaining(part),
    });
  });

  test.each([0, Number.NaN])("refuses a factor of %s", async (factor) => {
    const weights = new Map([["rope_freqs.weight", vector([1, 1, factor, 1])]]);
    await expect(ropeOf({}, weights)).rejects.toMatchObject({ code: "MODEL_BAD_CONFIG" });
  });
});

describe("windows", () => {
  const window = { "attention.sliding_window": 7 };
  const pattern = "attention.sliding_window_pattern";

  test.each([
    ["none", {}, undefined, [undefined, undefined, undefined]],
    ["none if it is 0", { "attention.sliding_window": 0 }, undefined, [undefined, undefined, undefined]],
    ["one for all layers", window, undefined, [7, 7, 7]],
    ["none in every second layer", window, 2, [7, undefined, 7]],
    ["none in every third layer, as the file says", { ...window, [pattern]: 3 }, 2, [7, 7, undefined]],
    [
      "none in any layer, as the file says",
      { ...window, [pattern]: 1 },
      2,
      [undefined, undefined, undefined],
    ],
    ["a list", { ...window, [pattern]: [false, true, true] }, 2, [undefined, 7, 7]],
    ["a list of GGUF", { ...window, [pattern]: Uint8Array.of(1, 0, 0) }, 2, [7, undefined, undefined]],
  ])("%s", (_, entries, period, expected) => {
    expect(layerWindows(config(entries), 3, period)).toEqual(expected);
  });

  test.each([
    ["of another length", [true, true]],
    ["of something else", ["a", "b", "c"]],
  ])("refuses a list %s", (_, list) => {
    expect(() => layerWindows(config({ ...window, [pattern]: list }), 3)).toThrow("truth values");
  });
});
