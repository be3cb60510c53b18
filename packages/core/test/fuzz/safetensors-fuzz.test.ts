import { expect, it } from "vitest";
import { runChild } from "./run-child.js";
import type { FolderFuzzReport } from "./safetensors-fuzz.js";

const INPUTS = 4000;
const MIB = 2 ** 20;
/** Another seed tries other inputs: MILLET_FUZZ_SEED=2 npx vitest run packages/core/test/fuzz */
const seed = Number(process.env.MILLET_FUZZ_SEED ?? 1);

it(`${INPUTS} damaged Hugging Face folders in a heap of 128 MB (seed ${seed})`, {
  timeout: 180_000,
}, async () => {
  const output = await runChild("safetensors-fuzz.ts", {
    args: [INPUTS, seed],
    heapMegabytes: 128,
    timeoutMs: 170_000,
  });
  const report = JSON.parse(output) as FolderFuzzReport;
  expect(report.inputs).toBe(INPUTS);
  expect(report.opened).toBeGreaterThan(INPUTS / 20);
  expect(report.opened).toBeLessThan(INPUTS / 2);
  expect(report.largestAllocation).toBeLessThanOrEqual(4 * MIB);
  expect(report.slowestMs).toBeLessThan(5000);
  // Every kind of damage must be found by the readers themselves, and nearly every check must have been tried.
  const codes = Object.keys(report.codes);
  const known = /^(SAFETENSORS_|MODEL_|SOURCE_NOT_FOUND|TOKENIZER_BAD_VOCABULARY|TEMPLATE_INVALID)/;
  expect(codes.filter((code) => !known.test(code))).toEqual([]);
  expect(codes.length).toBeGreaterThanOrEqual(11);
});
