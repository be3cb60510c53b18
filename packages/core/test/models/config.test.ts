/** What architectures read from metadata: frequencies of RoPE, windows of layers; and what they refuse. */
import { describe, expect, test } from "vitest";
import { ConfigReader } from "../../src/models/config.js";
import { readRope } from "../../src/models/decoder/rope.js";
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
  test("pairs are divided by the factors that a file holds (Llama 3)", async () => {
    const plain = await ropeOf({ "rope.freq_base": 500000 });
    const slower = await ropeOf(
      { "rope.freq_base": 500000 },
      new Map([["rope_freqs.weight", vector([1, 1, 2.5, 8])]]),
    );
    const ratios = plain(1).inverseFrequencies.map((x, i) => x / slower(1).inverseFrequencies[i]!);
    expect(ratios).toEqual([1, 1, 2.5, 8]);
  });

  test("YaRN's magnitude has the factors of the file on top of the paper's", async () => {
    const yarn = {
      "rope.scaling.type": "yarn",
      "rope.scaling.factor": 4,
      "rope.scaling.original_context_length": 64,
    };
    const [plain, scaled] = [
      await ropeOf(yarn),
      await ropeOf({ ...yarn, "rope.scaling.attn_factor": 2, "rope.scaling.yarn_attn_factor": 1.5 }),
    ];
    expect(plain(1).magnitude).toBeCloseTo(0.1 * Math.log(4) + 1);
    expect(scaled(1).magnitude).toBeCloseTo(3 * plain(1).magnitude);
    expect(scaled(1).inverseFrequencies).toEqual(plain(1).inverseFrequencies);
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
