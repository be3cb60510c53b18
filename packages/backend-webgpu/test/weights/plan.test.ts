/** Where weights go: in the order of their use, once each, in pages that a binding can show. */
import type { HostTensor } from "@millet/core/tensor";
import { byteLength, DTYPES } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { packedBytes } from "../../src/quant/format.js";
import { GPU_FORMATS, gpuFormat } from "../../src/quant/index.js";
import { planWeights } from "../../src/weights/plan.js";
import { graphOf } from "../support/run-on-slots.js";

const tensor = (dtype: HostTensor["spec"]["dtype"], ...shape: number[]): HostTensor => ({
  spec: { dtype, shape },
  data: new Uint8Array(0),
});
const limits = (bytes: number) => ({ maxBufferSize: 2 * bytes, maxStorageBufferBindingSize: bytes });

test("every format takes the bytes of its file on the GPU", () => {
  for (const [dtype, format] of Object.entries(GPU_FORMATS)) {
    expect(format.dtype).toBe(dtype);
    const spec = { dtype: format.dtype, shape: [64, 3 * Math.max(8, DTYPES[format.dtype].blockElements)] };
    expect(packedBytes(format, 64, spec.shape[1]!), dtype).toBe(byteLength(spec));
  }
});

test("weights of a layer lie side by side, weights that two graphs use once", () => {
  const tensors = { norm: tensor("f32", 64), a: tensor("q4_0", 8, 64), b: tensor("q8_0", 5, 64) };
  const graph = graphOf(tensors);
  const { places, pages, byteLength } = planWeights({ prompt: graph, decode: graph }, limits(2 ** 20));
  expect([...places.values()].map(({ name, parts }) => [name, parts])).toEqual([
    ["norm", [{ page: 0, firstRow: 0, rows: 1, offset: 0, byteLength: 256 }]],
    ["a", [{ page: 0, firstRow: 0, rows: 8, offset: 256, byteLength: 288 }]],
    ["b", [{ page: 0, firstRow: 0, rows: 5, offset: 768, byteLength: 544 }]],
  ]);
  expect(pages).toEqual([1536]);
  expect(byteLength).toBe(1536);
});

test("a weight that exceeds a binding is split by rows, and no page exceeds one", () => {
  const tensors = { a: tensor("q4_0", 8, 64), large: tensor("q8_0", 45, 64), c: tensor("f16", 3, 8) };
  const { places, pages } = planWeights({ graph: graphOf(tensors) }, limits(1024));
  const { parts } = places.get("large")!;
  expect(parts.map(({ firstRow, rows }) => [firstRow, rows])).toEqual([
    [0, 12],
    [12, 12],
    [24, 12],
    [36, 9],
  ]);
  expect(Math.max(...pages)).toBeLessThanOrEqual(1024);
  for (const { offset } of [...places.values()].flatMap((place) => place.parts)) expect(offset % 256).toBe(0);
});

test("what no page can hold is an error that names it", () => {
  expect(() => planWeights({ graph: graphOf({ wide: tensor("f32", 4, 1024) }) }, limits(8192))).toThrow(
    expect.objectContaining({
      code: "MODEL_TOO_LARGE",
      message: expect.stringContaining('"wide", f32[4, 1024]'),
    }),
  );
  expect(() => gpuFormat("i8")).toThrow(expect.objectContaining({ code: "MODEL_TENSOR_DTYPE" }));
});
