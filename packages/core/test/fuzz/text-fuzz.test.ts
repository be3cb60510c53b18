import { describe, expect, it } from "vitest";
import { runChild } from "./run-child.js";
import type { TextFuzzReport } from "./text-fuzz.js";

const INPUTS = 3000;
const MIB = 2 ** 20;
/** Another seed tries other inputs: MILLET_FUZZ_SEED=2 npx vitest run packages/core/test/fuzz */
const seed = Number(process.env.MILLET_FUZZ_SEED ?? 1);

describe("tokenizers and templates under damage", () => {
  it(`survive ${INPUTS} inputs each in a heap of 128 MB (seed ${seed})`, { timeout: 120_000 }, async () => {
    const output = await runChild("text-fuzz.ts", {
      args: [INPUTS, seed],
      heapMegabytes: 128,
      timeoutMs: 110_000,
    });
    const report = JSON.parse(output) as TextFuzzReport;
    expect([report.tokenizers, report.templates]).toEqual([INPUTS, INPUTS]);
    // Most inputs must get behind construction and parsing, and some must be refused.
    expect(report.built).toBeGreaterThan(INPUTS / 2);
    expect(report.built).toBeLessThan(INPUTS);
    expect(report.files).toBe(INPUTS / 3);
    expect(report.filesBuilt).toBeGreaterThan(INPUTS / 12);
    expect(report.filesBuilt).toBeLessThan(INPUTS / 3);
    expect(report.parsed).toBeGreaterThan(INPUTS / 2);
    expect(report.parsed).toBeLessThan(INPUTS);
    expect(report.rendered).toBeGreaterThan(INPUTS / 10);
    expect(report.slowestMs).toBeLessThan(3000);
    expect(report.largestGrowth).toBeLessThan(64 * MIB);
    expect(Object.keys(report.codes).sort()).toEqual(
      expect.arrayContaining([
        "TEMPLATE_FAILED",
        "TEMPLATE_INVALID",
        "TEMPLATE_STEP_LIMIT",
        "TOKENIZER_BAD_VOCABULARY",
        "TOKENIZER_UNSUPPORTED",
      ]),
    );
  });
});
