/** Views of weights: the bytes that a copy of those rows or columns would have, wherever a read begins and ends. */
import { describe, expect, test } from "vitest";
import { columnsOf, reshaped, rowsOf, withViews } from "../../src/models/views.js";
import { quantize } from "../../src/quant/index.js";
import { byteLength, type TensorSpec } from "../../src/tensor/tensor.js";
import type { WeightSource } from "../../src/tensor/weights.js";

function sourceOf(spec: TensorSpec): WeightSource & { readonly bytes: Uint8Array } {
  const count = spec.shape.reduce((a, b) => a * b, 1);
  const bytes = quantize(
    spec.dtype,
    Float32Array.from({ length: count }, (_, i) => i),
  );
  return {
    bytes,
    spec,
    place: { file: { location: "/model", version: "1" }, offset: 1000 },
    async readInto(offset, target) {
      expect(offset + target.byteLength).toBeLessThanOrEqual(bytes.byteLength);
      target.set(bytes.subarray(offset, offset + target.byteLength));
    },
  };
}

async function read(source: WeightSource, start = 0, end = byteLength(source.spec)): Promise<Uint8Array> {
  const target = new Uint8Array(end - start);
  await source.readInto(start, target);
  return target;
}

const SPECS: readonly TensorSpec[] = [
  { dtype: "f32", shape: [5, 96] },
  { dtype: "bf16", shape: [5, 96] },
  { dtype: "q4_0", shape: [5, 96] },
];

describe.each(SPECS)("of a $dtype matrix", (spec) => {
  const source = sourceOf(spec);
  const rowBytes = source.bytes.byteLength / 5;

  test("rows", async () => {
    const view = rowsOf(source, 1, 3);
    expect(view.spec).toEqual({ dtype: spec.dtype, shape: [3, 96] });
    expect(view.place?.offset).toBe(1000 + rowBytes);
    expect(await read(view)).toEqual(source.bytes.slice(rowBytes, 4 * rowBytes));
    expect(await read(view, 7, 11)).toEqual(source.bytes.slice(rowBytes + 7, rowBytes + 11));
  });

  test("columns, read whole and from any byte to any other", async () => {
    const view = columnsOf(source, 32, 64);
    const [start, width] = [rowBytes / 3, (2 * rowBytes) / 3];
    const expected = Uint8Array.from(
      Array.from({ length: 5 }, (_, row) => [
        ...source.bytes.subarray(row * rowBytes + start, row * rowBytes + start + width),
      ]).flat(),
    );
    expect(view.spec).toEqual({ dtype: spec.dtype, shape: [5, 64] });
    expect(view.place?.offset).toBe(1000 + start);
    expect(await read(view)).toEqual(expected);
    for (const [from, to] of [
      [0, 1],
      [width - 1, width + 1],
      [width, 3 * width],
      [3, 5 * width - 3],
      [4, 4],
    ] as const) {
      expect(await read(view, from, to)).toEqual(expected.slice(from, to));
    }
  });
});

test("columns of rows that are wider than one read", async () => {
  const source = sourceOf({ dtype: "f32", shape: [2, 300_000] });
  const view = columnsOf(source, 100_000, 150_000);
  const values = new Float32Array((await read(view)).buffer);
  expect([...values.subarray(149_999, 150_002)]).toEqual([249_999, 400_000, 400_001]);
});

test("another shape of the same bytes", async () => {
  const view = reshaped(sourceOf({ dtype: "f32", shape: [3, 8] }), [24]);
  expect(view.spec.shape).toEqual([24]);
  expect(await read(view)).toEqual(sourceOf({ dtype: "f32", shape: [24] }).bytes);
});

test("take the place of what they are views of", () => {
  const whole = sourceOf({ dtype: "f32", shape: [4, 8] });
  const weights = new Map([
    ["a", whole],
    ["b", whole],
    ["c", whole],
  ]);
  const result = withViews(weights, (name, source) =>
    name === "b"
      ? [
          ["b1", rowsOf(source, 0, 1)],
          ["b2", rowsOf(source, 1, 3)],
        ]
      : undefined,
  );
  expect([...result.keys()]).toEqual(["a", "b1", "b2", "c"]);
});
