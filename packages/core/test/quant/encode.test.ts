/** The encoders whose search is our own: not bit for bit as GGML, but as good as their number of bits allows. */
import { describe, expect, it } from "vitest";
import { dequantize, isQuantDType, QUANT_FORMATS, quantize } from "../../src/quant/index.js";
import { DTYPES } from "../../src/tensor/dtype.js";

/** Elements that share a scale, and steps between the lowest and the highest value. */
interface Grid {
  readonly size: number;
  readonly steps: number;
  /** Whether a minimum is stored, so that the steps divide the range of the values and not twice the largest one. */
  readonly affine: boolean;
}

const GRIDS: Readonly<Record<string, Grid>> = {
  q2_k: { size: 16, steps: 3, affine: true },
  q3_k: { size: 16, steps: 8, affine: false },
  q4_k: { size: 32, steps: 15, affine: true },
  q5_k: { size: 32, steps: 31, affine: true },
  q6_k: { size: 16, steps: 64, affine: false },
  iq4_nl: { size: 32, steps: 16, affine: false },
  iq4_xs: { size: 32, steps: 16, affine: false },
};
const GGML_ROUNDING = ["f16", "bf16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0"];

/** Values of a standard normal times `deviation` (Box-Muller on an LCG). */
function normals(count: number, deviation: number): Float32Array {
  let state = 20261121;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    return deviation * radius * Math.cos(2 * Math.PI * uniform());
  });
}

function rootMeanSquare(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/** Root mean square error of rounding to steps of exact size: step / sqrt(12), the step from each run's own extremes. */
function plainRoundingError(values: Float32Array, { size, steps, affine }: Grid): number {
  let sum = 0;
  for (let start = 0; start < values.length; start += size) {
    const run = values.subarray(start, start + size);
    const [low, high] = [Math.min(...run), Math.max(...run)];
    const range = affine ? high - low : 2 * Math.max(high, -low);
    sum += (range / steps) ** 2 / 12;
  }
  return Math.sqrt(sum / (values.length / size));
}

const roundTrip = (dtype: string, values: Float32Array) => {
  if (!isQuantDType(dtype)) throw new Error(`${dtype} is no format`);
  return dequantize(dtype, quantize(dtype, values));
};

it("every format either rounds as GGML does or is tested here", () => {
  expect([...GGML_ROUNDING, ...Object.keys(GRIDS)].sort()).toEqual(Object.keys(QUANT_FORMATS).sort());
});

describe.each(Object.entries(GRIDS))("encoding %s", (dtype, grid) => {
  it.each([0.02, 30])("costs no more than plain rounding with exact scales, deviation %d", (deviation) => {
    const values = normals(64 * 256, deviation);
    const decoded = roundTrip(dtype, values);
    const error = rootMeanSquare(values.map((value, i) => decoded[i]! - value));
    expect(error).toBeLessThan(plainRoundingError(values, grid));
  });

  it.each([0.7, -0.7, 3e4, -6e4])("keeps a block of nothing but %d", (value) => {
    const decoded = roundTrip(dtype, new Float32Array(256).fill(value));
    for (const got of decoded) expect(Math.abs(got / value - 1)).toBeLessThan(2e-3);
  });

  it.each([1, -1])("keeps an outlier of sign %d and stays within a step everywhere", (sign) => {
    const values = normals(256, 0.01);
    values[77] = sign;
    const decoded = roundTrip(dtype, values);
    // Among two adjacent values a rounding error is at most the whole distance; the outlier alone sets it.
    const step = (grid.affine ? 1 : 2) / grid.steps;
    values.forEach((value, i) => expect(Math.abs(decoded[i]! - value)).toBeLessThan(1.1 * step + 0.04));
  });

  it("is finite, and zero where values vanish in f16", () => {
    const tiny = roundTrip(dtype, normals(256, 1e-12));
    expect(tiny.every((value) => value === 0)).toBe(true);
    const mixed = new Float32Array(256);
    mixed[0] = 1;
    expect(roundTrip(dtype, mixed).every(Number.isFinite)).toBe(true);
  });

  it("writes every block on its own", () => {
    if (!isQuantDType(dtype)) throw new Error(`${dtype} is no format`);
    const { blockElements, blockBytes } = DTYPES[dtype];
    const values = normals(4 * blockElements, 1);
    const all = quantize(dtype, values);
    for (let block = 0; block < 4; block++) {
      const one = quantize(dtype, values.slice(block * blockElements, (block + 1) * blockElements));
      expect(one).toEqual(all.slice(block * blockBytes, (block + 1) * blockBytes));
    }
  });
});
