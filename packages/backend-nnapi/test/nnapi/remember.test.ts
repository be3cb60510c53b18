/** What was measured is kept for the same device, model, runtime and options, and nothing else. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { recall, remember, type Verdict } from "../../src/nnapi/remember.js";
import { nodeFiles } from "../../src/runtime/node-files.js";
import { SLOW_CPU, tinyAnswers } from "../support/answers.js";

const { answer } = tinyAnswers();

test("a second load measures nothing; one of another device or that is told to always does", async () => {
  const first = await answer({ delays: SLOW_CPU });
  const { files } = first;
  expect(first.plan.remembered).toBe(false);
  const second = await answer({ delays: SLOW_CPU }, { files });
  expect(second.plan).toMatchObject({ resolved: "nnapi", remembered: true, measured: first.plan.measured });
  expect(second.plan.candidates).toEqual(first.plan.candidates);
  expect(second.opened.some(({ path }) => path.includes("probe"))).toBe(false);
  for (const options of [{ device: "another" }, { probe: "always" }] as const) {
    expect((await answer({ delays: SLOW_CPU }, { files, ...options })).plan.remembered).toBe(false);
  }
  await writeFile(files.path("millet-nnapi-choice.json"), '{"format":1,"records":{');
  expect((await answer({ delays: SLOW_CPU }, { files })).plan.remembered).toBe(false);
});

const VERDICT: Verdict = {
  resolved: "nnapi",
  reasons: [{ message: "It is faster." }],
  candidates: [{ name: "nnapi", created: true, seconds: 0.1, speedup: 2, numerics: { toBaseline: 0.01 } }],
  baseline: { name: "onnx", seconds: 0.2 },
  probed: { layers: 2, tokens: 128 },
  measured: "2026-11-01T00:00:00.000Z",
};

test("a record comes back as it was, and damaged ones count for nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "millet-test-"));
  const files = nodeFiles(folder);
  try {
    expect(await recall(files, "a")).toBeUndefined();
    await remember(files, "a", VERDICT);
    await remember(files, "b", { ...VERDICT, resolved: "none" });
    expect(await recall(files, "a")).toEqual(VERDICT);
    expect(await recall(files, "b")).toMatchObject({ resolved: "none" });
    const [candidate] = VERDICT.candidates;
    const damaged = [
      { resolved: "gpu" },
      { reasons: ["slow"] },
      { candidates: undefined },
      { candidates: [{ ...candidate, name: "gpu" }] },
      { candidates: [{ ...candidate, speedup: null }] },
      { candidates: [{ ...candidate, numerics: { toBaseline: "0" } }] },
      { baseline: { name: "onnx" } },
      { probed: 2 },
      { measured: 7 },
    ];
    for (const change of damaged) {
      const text = JSON.stringify({ format: 1, records: { a: { ...VERDICT, ...change } } });
      await writeFile(files.path("millet-nnapi-choice.json"), text);
      expect(await recall(files, "a"), text).toBeUndefined();
    }
    for (const text of ["", "null", "[]", '{"format":2}', "x".repeat(2 ** 21)]) {
      await writeFile(files.path("millet-nnapi-choice.json"), text);
      expect(await recall(files, "a")).toBeUndefined();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
