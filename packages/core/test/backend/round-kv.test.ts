/** How a KV cache rounds: against the formats of quant/, at the edges, and that rounding again changes nothing. */
import { describe, expect, test } from "vitest";
import { KV_DTYPES, type KvDType, reference, roundKv } from "../../src/backend/index.js";
import { f16ToNumber } from "../../src/quant/f16.js";
import { dequantize, quantize } from "../../src/quant/index.js";

/** Values of many magnitudes, the same every time. */
function values(count: number, scale: number): Float32Array {
  let state = 12345;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return ((state >>> 8) / 2 ** 23 - 1) * scale;
  });
}

function rounded(dtype: KvDType, x: ArrayLike<number>, headSize = x.length): Float32Array {
  const copy = Float32Array.from(x);
  roundKv(dtype, copy, headSize);
  return copy;
}

test("f32 stays as it is", () => {
  const x = Float32Array.of(1.1, -0, Number.POSITIVE_INFINITY, 1e-40);
  expect(rounded("f32", x)).toEqual(x);
});

test("f16 rounds as the format does, and stays finite", () => {
  const x = values(1000, 300);
  expect(rounded("f16", x)).toEqual(dequantize("f16", quantize("f16", x)));
  const { NaN: nan, POSITIVE_INFINITY: infinity } = Number;
  expect([...rounded("f16", [1e6, -infinity, 65519, nan, 2 ** -24, 2 ** -26])]).toEqual([
    65504,
    -65504,
    65504,
    65504,
    2 ** -24,
    0,
  ]);
});

describe("q8_0", () => {
  test.each([32, 80, 20, 1])("heads of %i: each block of 32 has a scale of its own", (headSize) => {
    const x = values(3 * headSize, 5);
    const y = rounded("q8_0", x, headSize);
    for (let head = 0; head < 3; head++) {
      for (let start = 0; start < headSize; start += 32) {
        const block = x.slice(head * headSize + start, head * headSize + Math.min(start + 32, headSize));
        const largest = Math.max(...block.map(Math.abs));
        // The scale is f16: half of its last bit, 127 times, and half of a step.
        const tolerance = largest * (2 ** -11 + 0.51 / 127);
        block.forEach((value, i) => {
          expect(Math.abs(y[head * headSize + start + i]! - value)).toBeLessThan(tolerance);
        });
      }
    }
  });

  test("is within a step of the file format's rounding", () => {
    const x = values(320, 3);
    const file = dequantize("q8_0", quantize("q8_0", x));
    rounded("q8_0", x).forEach((value, i) => expect(Math.abs(value - file[i]!)).toBeLessThan(0.026));
  });

  test("whole multiples of a scale are kept exactly", () => {
    const scale = f16ToNumber(0x2a55);
    const x = Float32Array.from({ length: 32 }, (_, i) => scale * (i === 3 ? -127 : 8 * i - 124));
    expect(rounded("q8_0", x)).toEqual(x);
  });

  test("stays finite", () => {
    const y = rounded("q8_0", [Number.NaN, Number.POSITIVE_INFINITY, 1, -3e38]);
    expect(y.every(Number.isFinite)).toBe(true);
    expect([...rounded("q8_0", new Float32Array(40))]).toEqual([...new Float32Array(40)]);
  });
});

test.each(KV_DTYPES)("%s: rounding again changes nothing, whatever the magnitude", (dtype) => {
  for (let exponent = -60; exponent <= 60; exponent++) {
    const once = rounded(dtype, values(200, 1.37 * 2 ** exponent), 40);
    expect(rounded(dtype, once, 40)).toEqual(once);
  }
});

test.each(KV_DTYPES)("the reference's %s cache gives what it was given, rounded", async (dtype) => {
  const backend = await reference().create();
  const plan = { layers: 2, kvHeads: 3, headDim: 40, valueDim: 7, dtype, blockRows: 32, maxBlocks: 1 };
  const state = (await backend.load({}, new Map(), plan)).createState();
  await state.reserve(1);
  const rows = 5;
  const snapshot = {
    rows,
    positions: Int32Array.from({ length: rows }, (_, i) => i),
    keys: values(2 * rows * 3 * 40, 4),
    values: values(2 * rows * 3 * 7, 0.1),
  };
  await state.write(3, snapshot);
  const kept = await state.read(3, rows);
  expect(kept.keys).toEqual(rounded(dtype, snapshot.keys, 40));
  expect(kept.values).toEqual(rounded(dtype, snapshot.values, 7));
  await state.copy(3, 20, rows);
  expect(await state.read(20, rows)).toEqual(kept);
});
