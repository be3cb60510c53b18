/** What an accelerator may hold of models of full size. */
import { describe, expect, test } from "vitest";
import { after, before, layerCount, layerCuts } from "../../src/nnapi/layers.js";
import { planMemory } from "../../src/nnapi/memory.js";
import { resolveOptions } from "../../src/nnapi/options.js";
import { fullSize } from "../support/full-size.js";
import { posingRuntime } from "../support/posing-runtime.js";

const GIB = 2 ** 30;

/** By the options of an app. */
async function plan(
  shape: string,
  contextTokens: number,
  options: { maxNnapiBytes?: number; memoryBytes?: number },
) {
  const { prompt, ...needs } = await fullSize(shape, contextTokens);
  return planMemory(prompt, needs, resolveOptions({ ort: posingRuntime().runtime, ...options }));
}

describe("1.3 billion parameters", () => {
  test("are on the accelerator as a whole, with both forms and the cache counted", async () => {
    const { report, problem } = await plan("milm-1.3b", 4096, {});
    expect(problem).toBeUndefined();
    const { acceleratorBytes, weightBytes, kvBytes } = report;
    expect(acceleratorBytes).toBe(24 * (4 * 2048 * 2048 + 3 * 2048 * 5632));
    expect(acceleratorBytes / 1e9).toBeCloseTo(1.23, 2);
    expect(weightBytes / 1e9).toBeCloseTo(0.77, 2);
    expect(kvBytes).toBe(4096 * 24 * 2 * 2048 * 4);
    expect(report.totalBytes).toBe(acceleratorBytes + weightBytes + kvBytes + report.shardBytes);
    expect(report).toMatchObject({ acceleratedLayers: 24, layers: 24 });
  });

  test("not on a device with 3 GiB for the app, unless the context is shorter", async () => {
    const memoryBytes = 3 * GIB;
    const { report, problem } = await plan("milm-1.3b", 4096, { memoryBytes });
    expect(problem!.code).toBe("NNAPI_MEMORY_BUDGET");
    expect(report.acceleratedLayers).toBe(0);
    expect((await plan("milm-1.3b", 1024, { memoryBytes })).problem).toBeUndefined();
  });
});

describe("6.4 billion parameters", () => {
  test("are refused by default", async () => {
    const { report, problem } = await plan("milm-6b", 4096, {});
    expect(problem).toMatchObject({ code: "NNAPI_MEMORY_BUDGET", details: { layers: 30 } });
    expect(problem!.message).toContain("maxNnapiBytes");
    expect(report).toMatchObject({ acceleratorBytes: 0, acceleratedLayers: 0 });
  });

  test("are there with as many layers as the app allows bytes for", async () => {
    const layerBytes = 4 * 4096 * 4096 + 3 * 4096 * 11_008;
    const options = { maxNnapiBytes: 7 * layerBytes + 5, memoryBytes: 12 * GIB };
    const { report, problem } = await plan("milm-6b", 1024, options);
    expect(report).toMatchObject({ acceleratorBytes: 7 * layerBytes, acceleratedLayers: 7, layers: 30 });
    expect(problem).toMatchObject({ code: "NNAPI_MEMORY_BUDGET" });
    const none = await plan("milm-6b", 1024, { maxNnapiBytes: layerBytes - 1, memoryBytes: 12 * GIB });
    expect(none.report.acceleratedLayers).toBe(0);
  });
});

test("the parts before and after a place between layers make up the whole", async () => {
  const { prompt } = await fullSize("tiny", 128);
  const cuts = layerCuts(prompt);
  expect(cuts.map(({ layers }) => layers)).toEqual([1, 2]);
  for (const cut of cuts) {
    const [first, second] = [before(prompt, cut), after(prompt, cut)];
    expect(first.nodes.length + second.nodes.length).toBe(prompt.nodes.length);
    expect(layerCount(first) + layerCount(second)).toBe(2);
    expect(Object.keys(first.outputs)).toEqual(["hidden"]);
    expect(Object.keys(second.inputs)).toContain("hidden");
    expect(Object.keys(second.outputs)).toEqual(Object.keys(prompt.outputs));
    expect(second.inputs.tokens).toBeUndefined();
    expect(String(second)).toContain("input hidden // f32[128, 64] by tokens");
  }
});
