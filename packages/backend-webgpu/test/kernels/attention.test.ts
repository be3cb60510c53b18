/**
 * attention against core's reference: few rows by spans and many by tiles, ugly sizes, several sequences in scattered
 * blocks, rows of the cache that must not count.
 */

import { normalisedError } from "@millet/conformance";
import type { KvDType } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import type { OptionalFeature } from "../../src/options.js";
import { describeOnDevice } from "../support/device.js";
import { actualOf } from "./attention-run.js";
import { expectedOf, operandsOf, type Scenario } from "./attention-scenario.js";

/** Rounded keys of the reference may fall on the other side of a boundary by the last bit of RoPE. */
const TOLERANCE: Readonly<Record<KvDType, number>> = { f32: 1e-10, f16: 1e-9, q8_0: 1e-7 };

const rope = (rotaryDim: number, interleaved: boolean) => ({
  inverseFrequencies: Array.from({ length: rotaryDim / 2 }, (_, i) => 10000 ** ((-2 * i) / rotaryDim)),
  interleaved,
  magnitude: 1.1,
});

const plain: ReadonlySet<OptionalFeature> = new Set();

const DECODE = [[40], [1], [1]];
const HEADS = { heads: 4, kvHeads: 2, headDim: 16, valueDim: 16 };

const SCENARIOS: Readonly<Record<string, Scenario>> = {
  "heads of 1": { attrs: { heads: 1, kvHeads: 1, headDim: 1, valueDim: 1 }, calls: [[1], [1], [3]] },
  "heads of 5 and 7": {
    attrs: { heads: 6, kvHeads: 2, headDim: 5, valueDim: 7, rope: rope(4, false) },
    calls: DECODE,
  },
  "heads of 64, nine on three": {
    attrs: { heads: 9, kvHeads: 3, headDim: 64, valueDim: 64, rope: rope(64, true) },
    calls: [[33], [1], [40], [1]],
  },
  "heads of 80 and 20": {
    attrs: { heads: 5, kvHeads: 1, headDim: 80, valueDim: 20, window: 33 },
    calls: [[70], [1], [26]],
  },
  "heads of 256, seven on one": {
    attrs: { heads: 7, kvHeads: 1, headDim: 256, valueDim: 256, rope: rope(64, false) },
    calls: [[35], [2]],
  },
  "heads of 300 and 130": { attrs: { heads: 4, kvHeads: 1, headDim: 300, valueDim: 130 }, calls: [[9], [2]] },
  "three sequences": {
    attrs: HEADS,
    calls: [
      [5, 0, 30],
      [1, 64, 1],
      [1, 1, 1],
      [0, 1, 3],
    ],
  },
  "window of 8": { attrs: { ...HEADS, window: 8 }, calls: [[140], [1], [5]] },
  "soft cap": { attrs: { ...HEADS, softCap: 2.5, scale: 2 }, calls: [[40], [1]] },
  "not causal": { attrs: { ...HEADS, causal: false }, calls: [[20], [50], [2]] },
  "not causal, in a window": { attrs: { ...HEADS, causal: false, window: 5 }, calls: [[50], [2]] },
};

describeOnDevice("attention", (device) => {
  const check = async (scenario: Scenario, dtype: KvDType, features = plain) => {
    const calls = operandsOf(scenario);
    const expected = await expectedOf({ ...scenario, dtype }, calls);
    const { outputs, kernels } = await actualOf(device(), { ...scenario, dtype }, calls, { features });
    outputs.forEach((output, i) => {
      expect(normalisedError(output, expected[i]!)).toBeLessThanOrEqual(TOLERANCE[dtype]);
    });
    return kernels;
  };
  const asPrompt = (scenario: Scenario) => ({ ...scenario, mostRows: 144 });
  const asFewRows = (scenario: Scenario) => ({
    ...scenario,
    calls: inCallsOf(5, scenario.calls),
    mostRows: 8,
  });

  describe.each(Object.entries(SCENARIOS))("%s", (_, scenario) => {
    test("prompt", () => check(asPrompt(scenario), "f32"));
    test("few rows", () => check(asFewRows(scenario), "f32"));
  });

  // Kernels compile slowly on SwiftShader, and types differ in how a unit is read and written alone.
  describe.each([
    ["f16", "heads of 5 and 7"],
    ["q8_0", "heads of 80 and 20"],
  ] as const)("%s cache, %s", (dtype, name) => {
    test("prompt", () => check(asPrompt(SCENARIOS[name]!), dtype));
    test("few rows", () => check(asFewRows(SCENARIOS[name]!), dtype));
  });

  test("without subgroups every kernel is plain", async () => {
    const names = await check(asFewRows(SCENARIOS["heads of 1"]!), "f32");
    expect(names).toEqual(["kv_write.f32", "attention_span.f32.plain", "attention_combine"]);
  });

  test.each(["heads of 5 and 7", "heads of 80 and 20", "soft cap"])("with subgroups, %s", async (name) => {
    if (!device().features.has("subgroups")) return;
    const names = await check(asFewRows(SCENARIOS[name]!), "f32", new Set(["subgroups"]));
    expect(names).toContain("attention_span.f32.subgroups");
  });
});

/** The same rows in calls of at most `most` of one sequence each. */
function inCallsOf(most: number, calls: Scenario["calls"]): number[][] {
  const sequences = calls[0]!.length;
  return calls.flatMap((added) =>
    added.flatMap((count, s) =>
      Array.from({ length: Math.ceil(count / most) }, (_, i) => {
        const rows = new Array<number>(sequences).fill(0);
        rows[s] = Math.min(most, count - i * most);
        return rows;
      }),
    ),
  );
}
