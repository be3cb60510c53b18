/** Every candidate of every site of a model runs on the device and computes what the default does. */
import { KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { expect, test } from "vitest";
import { featuresForAll, triedFeatures } from "../../src/kernels/features.js";
import { loadPlanned } from "../../src/load-model.js";
import { planModel } from "../../src/model-plan.js";
import { Contests } from "../../src/tuning/contests.js";
import { sitesOf } from "../../src/tuning/sites.js";
import { type PassTimer, passTimer } from "../../src/tuning/timer.js";
import { Workload } from "../../src/tuning/workload.js";
import { describeOnDevice } from "../support/device.js";

const MODEL = new URL("../../../../fixtures/llama/q4-0.gguf", import.meta.url);

describeOnDevice("candidates", (device) => {
  test("of single rows and of prompts agree", { timeout: 240_000 }, async () => {
    const file = await openGguf(await openSource(MODEL));
    const definition = await defineModel(file);
    const kv: KvPlan = { ...definition.kv, dtype: "f16", blockRows: KV_BLOCK_ROWS, maxBlocks: 2 };
    const step = (name: string, tokens: number) =>
      definition.step({ name, tokens, logits: 1, sequences: 1, blocksPerSequence: 2 });
    const graphs = { decode: step("decode", 1), prompt: step("prompt", 20) };
    const features = featuresForAll(triedFeatures(device().features, ["int8", "f16"]));
    const plan = (choices?: Parameters<typeof planModel>[4]) =>
      planModel(graphs, kv, device().limits, features, choices);
    const sites = sitesOf(plan());
    const names = sites.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^linear_row q4_0\+q4_0\+q4_0 .*rows 1, norm$/),
        expect.stringMatching(/^linear_row .*, gated$/),
        expect.stringMatching(/^attention_span f16 .*rows 1$/),
        "linear_tile q4_0, rows 32",
      ]),
    );
    expect(names.indexOf("linear_tile q4_0, rows 32")).toBe(names.length - 1); // single rows first
    const checked: string[] = [];
    const model = await loadPlanned(device(), plan(), file.weights, kv, {
      replan: async (runtime, pages) => {
        const workload = await Workload.create(runtime, pages, kv);
        const real = passTimer(device(), () => performance.now());
        // One layer is enough here: a software GPU takes long to compile.
        const timer: PassTimer = { leastMs: 1e-3, time: (passes) => real.time(passes) };
        const contests = new Contests(runtime, workload, timer, sites, plan);
        for (const contest of contests.list()) {
          const ready = await contest.prepare();
          expect(ready).toEqual([...contest.candidates.keys()]);
          expect((await contest.sample(ready)).every((time) => time > 0)).toBe(true);
          for (const i of ready) {
            expect(await contest.agrees(i), `${contest.site}: ${contest.candidates[i]}`).toBe(true);
            checked.push(contest.candidates[i]!);
          }
        }
        contests.destroy();
        workload.destroy();
        return plan();
      },
    });
    await model.dispose();
    await file.close();
    expect(checked).toContain("plain");
    if (device().features.has("packed-dot")) expect(checked).toContain("packed-dot");
  });
});
