/**
 * Calibration: the ranges are those of the reference's values; what is not whole is refused. The CPU backend's fusions are
 * held against it in packages/cli/test/calibrate.test.ts.
 */
import { reference } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel, type ModelDefinition } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type ActivationRange,
  type ActivationScales,
  calibrate,
  modelDigest,
  parseActivationScales,
} from "../../src/index.js";
import { onnxRuntime } from "../../src/onnx.js";

const file = new URL("../../../../fixtures/llama/gqa.gguf", import.meta.url);
const tokenIds = Array.from({ length: 75 }, (_, i) => (i * 37 + 11) % 50);
const window = 40; // a whole window and a shorter one, each in chunks of 32 and fewer

let model: ModelDefinition;
let close: () => Promise<void>;
let exact: ActivationScales;

beforeAll(async () => {
  const gguf = await openGguf(await openSource(file));
  close = () => gguf.close();
  model = await defineModel(gguf);
  exact = await calibrate(model, tokenIds, { backend: reference(), window });
});
afterAll(() => close());

test("every layer but the output matrix has its ranges, in columns of its sizes", () => {
  const names = Object.keys(exact.linears);
  expect(names).toHaveLength(7 * model.kv.layers);
  for (const name of names) {
    const [rows, columns] = model.weights.get(name)!.spec.shape;
    const { input, output } = exact.linears[name]!;
    expect(exact.values[input]!.usual.low).toHaveLength(columns!);
    expect(exact.values[output]!.usual.high).toHaveLength(rows!);
  }
  expect(exact.linears["blk.0.attn_q.weight"]!.input).toBe(exact.linears["blk.0.attn_v.weight"]!.input);
  expect(exact.linears["blk.0.attn_q.weight"]!.output).not.toBe(exact.linears["blk.0.attn_v.weight"]!.output);
});

/** The greatest difference of any range, of that value's widest column. */
function apart(a: ActivationScales, b: ActivationScales): number {
  const worst = a.values.map((value, i) => {
    const ends = ({ usual }: typeof value) => [...usual.low, ...usual.high];
    const [x, y] = [ends(value), ends(b.values[i]!)];
    const widest = Math.max(...x.map(Math.abs));
    return Math.max(...x.map((end, j) => Math.abs(end - y[j]!))) / widest;
  });
  return Math.max(...worst);
}

test("on ONNX Runtime they are the same but for its rounding", async () => {
  const scales = await calibrate(model, tokenIds, {
    backend: onnxRuntime({ ort, activations: "float32" }),
    window,
  });
  expect(scales.linears).toEqual(exact.linears);
  expect(scales.model).toBe(exact.model);
  expect(apart(exact, scales)).toBeLessThan(0.02);
});

test("windows begin anew: two equal ones have the ranges of one", async () => {
  const ids = tokenIds.slice(0, 20);
  const once = await calibrate(model, ids, { backend: reference(), window: 20 });
  const twice = await calibrate(model, [...ids, ...ids], { backend: reference(), window: 20 });
  expect(twice.values).toEqual(once.values);
  expect(twice.tokens).toBe(40);
});

test("what JSON keeps is read back; another model has another digest", async () => {
  expect(parseActivationScales(JSON.parse(JSON.stringify(exact)))).toEqual(exact);
  expect(await modelDigest(model.weights)).toBe(exact.model);
  const [first, ...others] = [...model.weights].sort(([a], [b]) => (a < b ? -1 : 1));
  expect(await modelDigest(new Map(others))).not.toBe(exact.model);
  const changed = { ...first![1], readInto: async (_: number, target: Uint8Array) => void target.fill(7) };
  expect(await modelDigest(new Map([[first![0], changed], ...others]))).not.toBe(exact.model);
});

/** The scales with one value's usual ranges changed. */
function withUsual(index: number, change: (usual: ActivationRange["usual"]) => object): unknown {
  const values = exact.values.map((value, i) =>
    i === index ? { ...value, usual: { ...value.usual, ...change(value.usual) } } : value,
  );
  return { ...exact, values };
}

describe("what is not whole is refused with its place", () => {
  const cases: readonly (readonly [what: string, change: () => unknown, where: string])[] = [
    ["another format", () => ({ ...exact, format: "x" }), "format"],
    ["a later version", () => ({ ...exact, version: 2 }), "version"],
    ["no model", () => ({ ...exact, model: "" }), "model"],
    ["no tokens", () => ({ ...exact, tokens: 0 }), "tokens"],
    ["values that are none", () => ({ ...exact, values: "x" }), "values"],
    [
      "an index of nothing",
      () => ({ ...exact, linears: { w: { input: 0, output: 1e9 } } }),
      'linears["w"].output',
    ],
    [
      "no number",
      () => withUsual(0, ({ low }) => ({ low: [null, ...low.slice(1)] })),
      "values[0].usual.low[0]",
    ],
    ["too few columns", () => withUsual(1, ({ high }) => ({ high: high.slice(1) })), "values[1].usual.high"],
    ["low above high", () => withUsual(0, ({ low }) => ({ low: low.map(() => 1e9) })), "values[0].usual"],
  ];
  test.each(cases)("%s", (_, change, where) => {
    expect(() => parseActivationScales(change())).toThrow(
      expect.objectContaining({ code: "CALIBRATION_INVALID", details: { where } }),
    );
  });
  test.each([undefined, null, 7, "{}", []])("%j", (data) => {
    expect(() => parseActivationScales(data)).toThrow(
      expect.objectContaining({ code: "CALIBRATION_INVALID" }),
    );
  });
});

test.each([
  [[], {}],
  [[1e6], {}],
  [[1.5], {}],
  [[1], { window: 0 }],
  [[1], { window: 1e9 }],
])("tokens %j with %j are the caller's mistake", async (ids, options) => {
  await expect(calibrate(model, ids, { backend: reference(), ...options })).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

test("weights that give no finite numbers are named", async () => {
  const name = "blk.1.ffn_gate.weight";
  const source = model.weights.get(name)!;
  const broken = {
    ...source,
    readInto: async (_: number, target: Uint8Array) => void target.fill(0xff), // NaN
  };
  const weights = new Map([...model.weights, [name, broken]]);
  await expect(calibrate({ ...model, weights }, [1, 2], { backend: reference() })).rejects.toMatchObject({
    code: "CALIBRATION_INVALID",
    details: { layer: name },
  });
});
