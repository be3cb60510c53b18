import { describe, expect, it } from "vitest";
import type { FuzzReport } from "./gguf-fuzz.js";
import { runChild } from "./run-child.js";

const INPUTS = 10_000;
const MIB = 2 ** 20;
/** Another seed tries other inputs: MILLET_FUZZ_SEED=2 npx vitest run packages/core/test/fuzz */
const seed = Number(process.env.MILLET_FUZZ_SEED ?? 1);

describe("the GGUF reader under damaged files", () => {
  it(`survives ${INPUTS} of them in a heap of 128 MB (seed ${seed})`, { timeout: 180_000 }, async () => {
    const output = await runChild("gguf-fuzz.ts", {
      args: [INPUTS, seed],
      heapMegabytes: 128,
      timeoutMs: 170_000,
    });
    const report = JSON.parse(output) as FuzzReport;
    expect(report.inputs).toBe(INPUTS);
    // Damage must reach what lies behind magic, version and counts, and some files must stay whole.
    expect(report.passedHeader).toBeGreaterThan(INPUTS / 2);
    expect(report.opened).toBeGreaterThan(INPUTS / 20);
    expect(report.opened).toBeLessThan(INPUTS / 2);
    expect(report.largestAllocation).toBeLessThanOrEqual(64 * MIB);
    expect(report.worstGrowth).toBeLessThan(4);
    expect(report.slowestMs).toBeLessThan(5000);
    // Every kind of damage must be found by the reader itself, and nearly every check must have been tried.
    const codes = Object.keys(report.codes);
    expect(codes.filter((code) => !code.startsWith("GGUF_"))).toEqual([]);
    expect(codes.length).toBeGreaterThanOrEqual(15);
  });
});
