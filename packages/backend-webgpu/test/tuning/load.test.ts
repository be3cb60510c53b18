/** Tuning while a model is loaded, on the device: what is measured is kept, and used by the next load. */
import { openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { afterEach, expect, test } from "vitest";
import { decoderOf } from "../../../../test/support/decoder.js";
import type { WebgpuOptions } from "../../src/options.js";
import { normalisedError } from "../../src/self-test/error.js";
import { resetTuning } from "../../src/tuning/tuner.js";
import { describeOnDevice } from "../support/device.js";
import { memoryStore } from "../support/memory-store.js";
import { trustingWebgpu } from "../support/trusting-webgpu.js";

const MODEL = new URL("../../../../fixtures/llama/q4-0.gguf", import.meta.url);
const TOKENS = [3, 1, 4, 1, 5];

describeOnDevice("a model that is loaded with tuning", (device) => {
  afterEach(() => resetTuning());

  async function load(options: WebgpuOptions) {
    const backend = await trustingWebgpu({ device: device().gpu, ...options }).create();
    const file = await openGguf(await openSource(MODEL));
    const decoder = await decoderOf(backend, file, 1, 32);
    await file.close();
    const rows: number[] = [];
    for (const [i, token] of TOKENS.entries()) rows.push(...(await decoder.run([token], i))[0]!);
    const program = String(decoder.model.executables.step);
    await backend.dispose();
    return { logits: Float32Array.from(rows), program, report: backend.capabilities.choices!.join(" ") };
  }

  test("computes the same, and remembers what was measured", { timeout: 240_000 }, async () => {
    const usual = await load({ tuning: "off" });
    expect(usual.report).toBe("");
    const tuningStore = memoryStore();
    const first = await load({ tuning: "on", tuningStore, tuningBudgetMs: 100 });
    expect(first.report).toMatch(/^Choices among kernels: [1-9]\d* measured in \d+ ms/);
    expect(first.program).toMatch(/linear_row\.q4_0\.\w+ \[\w+ \d+x\d, measured\]/);
    expect(normalisedError(first.logits, usual.logits)).toBeLessThan(1e-10);
    resetTuning(); // as another process would begin
    const second = await load({ tuning: "on", tuningStore, tuningBudgetMs: 0 });
    expect(second.report).toMatch(/^Choices among kernels: [1-9]\d* remembered from an earlier load/);
    expect(second.program).toBe(first.program.replaceAll(", measured]", ", remembered]"));
    expect(second.logits).toEqual(first.logits);
  });
});
