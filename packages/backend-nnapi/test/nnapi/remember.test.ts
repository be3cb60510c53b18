/** What was measured is kept for the same device, model, runtime and options, and nothing else. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SLOW_CPU, tinyAnswers } from "../support/answers.js";

const { answer } = tinyAnswers();
const RECORD = "millet-nnapi-choice.json";

test("a second load measures nothing; another device, other options and probe: always do", async () => {
  const first = await answer({ delays: SLOW_CPU });
  const { files } = first;
  expect(first.plan.remembered).toBe(false);
  const second = await answer({ delays: SLOW_CPU }, { files });
  expect(second.plan).toMatchObject({ resolved: "nnapi", remembered: true, measured: first.plan.measured });
  expect(second.plan.candidates).toEqual(first.plan.candidates);
  expect(second.opened.some(({ path }) => path.includes("probe"))).toBe(false);
  for (const options of [{ device: "another" }, { minSpeedup: 1.1 }, { probe: "always" }] as const) {
    expect((await answer({ delays: SLOW_CPU }, { files, ...options })).plan.remembered).toBe(false);
  }
});

test("a damaged record counts for nothing, and is written anew", async () => {
  const { files } = await answer({ delays: SLOW_CPU });
  const path = files.path(RECORD);
  const whole = readFileSync(path, "utf8");
  const key = Object.keys(JSON.parse(whole).records)[0]!;
  const damaged = [
    whole.slice(0, whole.length >> 1),
    "null",
    JSON.stringify({ format: 1, records: { [key]: { resolved: "nnapi" } } }),
    JSON.stringify({ format: 1, records: { [key]: { resolved: "gpu", reasons: [], candidates: [] } } }),
  ];
  for (const text of damaged) {
    writeFileSync(path, text);
    expect((await answer({ delays: SLOW_CPU }, { files })).plan).toMatchObject({
      resolved: "nnapi",
      remembered: false,
    });
  }
  expect((await answer({ delays: SLOW_CPU }, { files })).plan.remembered).toBe(true);
});
