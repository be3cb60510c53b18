/** Strict: what would be a reason is the load's failure. And what there is to say where a part is missing. */
import { reference } from "@millet/core/backend";
import { expect, test } from "vitest";
import { tinyAnswers } from "../support/answers.js";

const { answer, answerOf, posing, expected } = tinyAnswers();

test("a slow accelerator fails the load, frees everything, and lets the next backend serve", async () => {
  const faults = { delays: { nnapi: 10, "nnapi cpuOnly": 60 } };
  const { backend, opened } = await posing(faults, { strict: true });
  await expect(answerOf({ backend })).rejects.toMatchObject({ code: "NNAPI_SLOWER_THAN_CPU" });
  expect(backend.plan).toMatchObject({ resolved: "none", reasons: [{ code: "NNAPI_SLOWER_THAN_CPU" }] });
  expect(opened.filter(({ released }) => !released)).toEqual([]);
  const next = await posing({});
  expect(await answerOf({ backend: [backend, next.backend] })).toEqual(expected());
});

test("a failure in the middle of an answer ends it", async () => {
  const { backend } = await posing(
    {
      delays: { cpu: 15 },
      onRun(provider, run) {
        if (provider === "nnapi" && run === 6) throw new Error("EP_FAIL");
        return undefined;
      },
    },
    { strict: true },
  );
  await expect(answerOf({ backend })).rejects.toMatchObject({ code: "NNAPI_DRIVER_REJECTED" });
});

test("no runtime: the fallback serves if there is one, else that is the error", async () => {
  const missing = () => Promise.reject(new TypeError("Cannot read property 'install' of null"));
  const alone = await posing({}, { ort: missing });
  const code = "ORT_RN_NOT_INSTALLED";
  await expect(alone.backend.create()).rejects.toMatchObject({
    code,
    message: expect.stringContaining("install"),
  });
  const { plan } = await answer({}, { ort: missing, fallback: reference() });
  expect(plan).toMatchObject({ resolved: "none", fallback: "reference", reasons: [{ code }] });
});

test("no files: providers would not count", async () => {
  const { backend } = await posing({});
  expect(backend.plan).toBeUndefined();
  const { plan, opened } = await answer({}, { files: undefined });
  expect(plan.reasons.map(({ code }) => code)).toEqual(["ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS"]);
  expect(opened.every(({ provider }) => provider === "cpu")).toBe(true);
});

test("a model that is too large for the accelerator", async () => {
  const limits = [{ maxNnapiBytes: 1000 }, { memoryBytes: 700_000 }];
  for (const limit of limits) {
    const { plan } = await answer({}, limit);
    expect(plan.reasons.map(({ code }) => code)).toEqual(["NNAPI_MEMORY_BUDGET"]);
    expect(plan.memory).toMatchObject({ acceleratedLayers: 0, layers: 2 });
  }
});

test.each([
  { chunk: 0 },
  { apiLevel: 28.5 },
  { plan: "fast" },
  { maxNnapiBytes: -1 },
  { minSpeedup: -0.5 },
  { candidates: ["gpu"] },
  { candidates: "nnapi" },
  { strict: "yes" },
  { probe: "never" },
  { files: {} },
  { flags: { useFP16: 1 } },
  { fallback: {} },
  { device: 7 },
  { threads: 0 },
])("option %o is refused", async (option) => {
  const { backend } = await posing({}, JSON.parse(JSON.stringify(option)));
  const [name] = Object.keys(option);
  const created = backend.create();
  await expect(created).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining(name!),
  });
});
