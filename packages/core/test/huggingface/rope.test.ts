/** RoPE of config.json by GGUF's keys; numbers are what transformers 5.23 computes (`ROPE_INIT_FUNCTIONS`). */
import { describe, expect, it } from "vitest";
import { Config } from "../../src/formats/huggingface/config.js";
import { ropeOf } from "../../src/formats/huggingface/rope.js";

const rope = (config: object, headDim = 8) =>
  ropeOf(new Config({ max_position_embeddings: 4096, ...config }), headDim);

describe("old and new spelling are the same", () => {
  it.each([
    ["none", {}, {}],
    ["linear", { type: "linear", factor: 4 }, { rope_type: "linear", factor: 4 }],
    ["null", null, {}],
  ])("%s", (_, scaling, parameters) => {
    const old = rope({ rope_theta: 5000, rope_scaling: scaling });
    const now = rope({ rope_parameters: { rope_theta: 5000, rope_type: "default", ...parameters } });
    expect(old).toEqual(now);
    expect(now.keys["rope.freq_base"]).toBe(5000);
  });

  it("a part of the dimensions rotates", () => {
    expect(rope({ partial_rotary_factor: 0.25 }, 64).keys["rope.dimension_count"]).toBe(16);
    expect(rope({ rope_parameters: { partial_rotary_factor: 0.75 } }, 96).keys["rope.dimension_count"]).toBe(
      72,
    );
  });
});

describe("YaRN", () => {
  const yarn = (more: object) => rope({ rope_scaling: { rope_type: "yarn", factor: 4, ...more } }).keys;

  it("has the paper's magnitude, or the file's", () => {
    // [rope_scaling, attention_factor as transformers computes it]
    for (const [more, magnitude] of [
      [{}, 1.138629436111989],
      [{ attention_factor: 1.5 }, 1.5],
      [{ mscale: 0.7, mscale_all_dim: 1 }, 0.9634746568860826],
    ] as const) {
      const factor = Number(yarn(more)["rope.scaling.yarn_attn_factor"]);
      expect(factor * (0.1 * Math.log(4) + 1)).toBeCloseTo(magnitude, 12);
    }
  });

  it("is of the context before it was stretched", () => {
    expect(yarn({})["rope.scaling.original_context_length"]).toBe(4096);
    expect(yarn({ original_max_position_embeddings: 1024 })["rope.scaling.original_context_length"]).toBe(
      1024,
    );
    expect(() => yarn({ truncate: false })).toThrow(/truncation/);
  });
});

it("Llama 3's factors: high frequencies stay, low ones are divided, and between is between", () => {
  const scaling = {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 8192,
  };
  const factors = rope({ rope_theta: 500_000, rope_scaling: scaling }, 128).factors["rope_freqs.weight"]!;
  // 1 / (inv_freq of transformers / plain inv_freq), for Llama 3.1 8B.
  expect(factors.length).toBe(64);
  expect([factors[0], factors[28], factors[63]]).toEqual([1, 1, 8]);
  for (let i = 1; i < 64; i++) expect(factors[i]).toBeGreaterThanOrEqual(factors[i - 1]!);
  expect(factors[30]).toBeCloseTo(1.5534145832, 4);
  expect(factors[32]).toBeCloseTo(2.6945302486, 4);
});

it.each<[string, object]>([
  ["dynamic scaling", { type: "dynamic", factor: 2 }],
  [
    "factors of another length",
    { type: "longrope", long_factor: [1], short_factor: [1], original_max_position_embeddings: 64 },
  ],
  [
    "bounds in reverse",
    {
      type: "llama3",
      factor: 8,
      low_freq_factor: 4,
      high_freq_factor: 1,
      original_max_position_embeddings: 64,
    },
  ],
  ["a missing factor", { type: "linear" }],
])("is refused: %s", (_, rope_scaling) => {
  expect(() => rope({ rope_scaling })).toThrow(expect.objectContaining({ code: "MODEL_BAD_CONFIG" }));
});
