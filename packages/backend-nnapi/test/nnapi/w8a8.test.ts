/** nnapi() as apps call it: calibrated, with dense layers in 8 bits, on a runtime whose CPU provider poses as NNAPI. */
import { loadModel } from "@millet/core";
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ActivationScales, calibrate, type NnapiOptions, nnapi, nodeFiles } from "../../src/index.js";
import { posingRuntime } from "../support/posing-runtime.js";
import { makeTinyModel, type TinyModel } from "../support/tiny-model.js";

let tiny: TinyModel;
let calibration: ActivationScales;
const text = (length: number) => Array.from({ length }, (_, i) => 3 + ((i * 37) % 200));

beforeAll(async () => {
  tiny = await makeTinyModel("q4_0");
  const file = await openGguf(await openSource(tiny.path));
  calibration = await calibrate(await defineModel(file), text(64), { backend: reference() });
  await file.close();
});
afterAll(() => tiny.remove());

async function answer(options: Partial<NnapiOptions>) {
  const { runtime, opened } = posingRuntime();
  const files = nodeFiles(await tiny.folder());
  const backend = nnapi({
    ort: runtime,
    files,
    candidates: ["nnapi"],
    minSpeedup: 0,
    threads: 1,
    ...options,
  });
  const model = await loadModel(tiny.path, { backend });
  const { tokenIds } = await model.generate(text(140), {
    temperature: 0,
    maxTokens: 4,
    ignoreEndOfGeneration: true,
  }).result;
  const report = model.backend;
  await model.dispose();
  expect(tokenIds).toHaveLength(4);
  expect(opened.every(({ released }) => released)).toBe(true);
  return { plan: backend.plan!, report, opened, tokenIds };
}

describe.each(["fused", "safe"] as const)("plan %s", (plan) => {
  test("prompts run in 8 bits on the accelerator, and the report says so", async () => {
    const result = await answer({ calibration, plan });
    expect(result.plan).toMatchObject({ resolved: "nnapi", requested: { plan } });
    const [candidate] = result.plan.candidates;
    expect(candidate!.numerics!.toCpu).toBeLessThan(1e-6);
    expect(candidate!.numerics!.toBaseline).toBeGreaterThan(0);
    expect(candidate!.leftToCpu).toMatchObject({ GroupQueryAttention: 2 });
    if (plan === "fused") {
      expect(candidate).toMatchObject({ partitions: 3, leftToCpu: { GroupQueryAttention: 2 } });
      expect(Object.keys(candidate!.leftToCpu!)).toEqual(["GroupQueryAttention"]);
    }
    const { capabilities } = result.report;
    expect(capabilities.description).toContain("prompts on nnapi");
    expect(capabilities.choices!.join()).toContain("times as fast");
    expect(JSON.parse(JSON.stringify(result.plan))).toMatchObject({ resolved: "nnapi" });
  });
});

test("a second load finds the files of the first and makes none", async () => {
  const files = nodeFiles(await tiny.folder());
  const first = await answer({ calibration, files });
  const write = () => Promise.reject(new Error("a file was written"));
  const second = await answer({
    calibration,
    files: {
      ...files,
      write: (name, pieces) => (name === "millet-model.onnx" ? files.write(name, pieces) : write()),
    },
  });
  expect(first.plan).toMatchObject({ resolved: "nnapi", remembered: false });
  expect(second.plan).toMatchObject({ resolved: "nnapi", remembered: true });
  expect(second.tokenIds).toEqual(first.tokenIds);
});

test("without scales, and with those of another model, the fallback serves and the plan says how to get them", async () => {
  const { plan, report } = await answer({});
  expect(plan).toMatchObject({ resolved: "none", reasons: [{ code: "CALIBRATION_MISSING" }] });
  expect(report.capabilities.limitations[0]).toContain("millet calibrate");
  const other = { ...calibration, model: "another" };
  expect((await answer({ calibration: other })).plan.reasons).toMatchObject([
    { code: "CALIBRATION_MISMATCH" },
  ]);
});

test("scales that are damaged are refused", async () => {
  const damaged = { ...calibration, values: [] };
  await expect(answer({ calibration: damaged })).rejects.toMatchObject({ code: "CALIBRATION_INVALID" });
});
