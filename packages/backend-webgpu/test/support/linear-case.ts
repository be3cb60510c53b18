/** One product of a test: random weights and inputs, what it must give in float64, and how far a result is from that. */
import { dequantize, quantize } from "@millet/core/quant";
import { DTYPES, type DType, type HostTensor, tensorOf } from "@millet/core/tensor";
import { expect } from "vitest";
import type { Device } from "../../src/device/device.js";
import { lowerLinear } from "../../src/kernels/linear/lower.js";
import { type Matrix, strideOf } from "../../src/lower/matrix.js";
import type { LinearSpec } from "../../src/lower/specs.js";
import type { Dispatch } from "../../src/program/dispatch.js";
import type { PageLimits } from "../../src/weights/plan.js";
import { placeWeights, runOnSlots, TestWorkspace } from "./run-on-slots.js";

export interface LinearCase {
  readonly dtypes: readonly DType[];
  /** Outputs of each weight. */
  readonly outputs: readonly number[];
  readonly inputs: number;
  /** Most rows, and active ones. */
  readonly rows: number;
  readonly active?: number;
  readonly norm?: boolean;
  readonly bias?: boolean;
  readonly finish?: LinearSpec["finish"];
  /** Default: silu for a gate, else nothing. */
  readonly after?: LinearSpec["after"];
  /** The residual is y itself. */
  readonly inPlace?: boolean;
  /** Rows of x by number, last first. */
  readonly gather?: boolean;
  /** Floats before x and between the beginnings of its rows beyond what is needed. */
  readonly xOffset?: number;
  readonly limits?: PageLimits;
  /** x consists of integers that int8 holds, 127 among every 32. */
  readonly integers?: boolean;
  /** Magnitude of the weights. */
  readonly magnitude?: number;
}

const GUARD = -12345;
const EPSILON = 1e-5;

/** Numbers in -1..1 that are the same in every run (a linear congruential generator). */
export function randomFloats(length: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

export function randomWeight(
  dtype: DType,
  rows: number,
  columns: number,
  seed: number,
  magnitude = 1,
): HostTensor {
  const values = randomFloats(rows * columns, seed).map((value) => value * magnitude);
  return { spec: { dtype, shape: [rows, columns] }, data: quantize(dtype, values) };
}

/** Lowers and runs a case. @returns normalized mean square error to float64 */
export async function errorOfLinear(
  device: Device,
  c: LinearCase,
  lower: (spec: LinearSpec, workspace: TestWorkspace) => Dispatch[] = (spec, workspace) =>
    lowerLinear(spec, workspace, device.features),
): Promise<{ readonly error: number; readonly dispatches: readonly Dispatch[] }> {
  const finish = c.finish ?? "none";
  const active = c.active ?? c.rows;
  const weights = c.dtypes.map((dtype, i) =>
    randomWeight(dtype, c.outputs[i]!, c.inputs, i + 1, c.magnitude),
  );
  const biases = c.bias ? c.outputs.map((count, i) => randomFloats(count, 50 + i)) : [];
  const gain = randomFloats(c.inputs, 99).map((value) => 1 + 0.5 * value);
  const tensors = {
    ...Object.fromEntries(weights.map((weight, i) => [`weight${i}`, weight])),
    ...Object.fromEntries(biases.map((bias, i) => [`bias${i}`, tensorOf("f32", [bias.length], bias)])),
    ...(c.norm ? { norm: tensorOf("f32", [c.inputs], gain) } : {}),
  };
  const placed = await placeWeights(device, tensors, c.limits);

  const width = finish === "gated" ? c.outputs[0]! : c.outputs.reduce((sum, count) => sum + count, 0);
  const xOffset = c.xOffset ?? 0;
  const x: Matrix = {
    slot: 0,
    offset: xOffset,
    stride: strideOf(c.inputs + xOffset) + 4,
    width: c.inputs,
    rows: c.rows,
    axis: "tokens",
  };
  const y: Matrix = {
    slot: 1,
    offset: 3,
    stride: strideOf(width) + 8,
    width,
    rows: c.rows,
    axis: c.gather ? "logits" : "tokens",
  };
  const residual: Matrix = c.inPlace ? y : { ...y, slot: 2, offset: 0 };
  const xs = randomFloats(c.rows * c.inputs, 7);
  if (c.integers) xs.forEach((value, i) => (xs[i] = i % 32 === 5 ? 127 : Math.round(126 * value)));
  const residuals = randomFloats(c.rows * width, 8);
  const slots = [
    spread(x, xs, NaN),
    new Float32Array(y.offset + y.stride * c.rows + 16).fill(GUARD),
    spread(residual, residuals, NaN),
  ];
  if (c.inPlace) slots[1] = spread(y, residuals, GUARD);

  const spec: LinearSpec = {
    label: "test",
    x,
    gather: c.gather ? 4 : undefined,
    norm: c.norm ? { weight: placed.weight("norm"), epsilon: EPSILON } : undefined,
    parts: weights.map((_, i) => ({
      weight: placed.weight(`weight${i}`),
      bias: c.bias ? placed.weight(`bias${i}`) : undefined,
    })),
    finish,
    after: afterOf(c),
    residual: finish === "residual" ? residual : undefined,
    y,
  };
  const workspace = new TestWorkspace(slots.length);
  const dispatches = lower(spec, workspace);
  const order = Array.from({ length: c.rows }, (_, r) => (c.gather ? c.rows - 1 - r : r));
  const size = { tokens: c.gather ? c.rows : active, logits: active, longest: 0 };
  const [, result] = await runOnSlots(device, dispatches, {
    size,
    call: order,
    slots,
    workspace,
    weights: placed,
  });
  for (const page of placed.pages) page.destroy();

  const expected = expectedOf(c, finish, weights, biases, gain, xs, residuals, order);
  let [squares, errors] = [0, 0];
  const written = new Uint8Array(result!.length);
  for (let r = 0; r < active; r++) {
    for (let n = 0; n < width; n++) {
      const at = y.offset + r * y.stride + n;
      written[at] = 1;
      const want = expected[r * width + n]!;
      squares += want ** 2;
      errors += (result![at]! - want) ** 2;
    }
  }
  const touched = result!.findIndex((value, at) => !written[at] && value !== slots[1]![at]);
  expect(touched, "written outside of y").toBe(-1);
  return { error: errors / squares, dispatches };
}

function afterOf({ after, finish }: LinearCase): LinearSpec["after"] {
  return after ?? (finish === "gated" ? [{ op: "silu" }] : []);
}

/** A function that may follow a product, in float64. */
function applied(x: number, step: LinearSpec["after"][number]): number {
  if (step.op === "scale") return x * step.factor;
  if (step.op === "soft_cap") return step.cap * Math.tanh(x / step.cap);
  if (step.op === "silu") return x / (1 + Math.exp(-x));
  if (step.approximation !== "tanh") throw new Error("These tests have no erf.");
  return x / (1 + Math.exp(-2 * Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
}

/** Values as rows of a matrix, `filler` around them. */
function spread(matrix: Matrix, values: Float32Array, filler: number): Float32Array {
  const slot = new Float32Array(matrix.offset + matrix.stride * matrix.rows + 16).fill(filler);
  for (let r = 0; r < matrix.rows; r++) {
    slot.set(values.subarray(r * matrix.width, (r + 1) * matrix.width), matrix.offset + r * matrix.stride);
  }
  return slot;
}

function expectedOf(
  c: LinearCase,
  finish: LinearSpec["finish"],
  weights: readonly HostTensor[],
  biases: readonly Float32Array[],
  gain: Float32Array,
  xs: Float32Array,
  residuals: Float32Array,
  order: readonly number[],
): Float64Array {
  const K = c.inputs;
  const matrices = weights.map(({ spec, data }) => dequantize(spec.dtype, data));
  const rows = order.map((source, r) => {
    const row = Float64Array.from(xs.subarray(source * K, (source + 1) * K));
    if (c.norm) {
      const factor = 1 / Math.sqrt(row.reduce((sum, value) => sum + value ** 2, 0) / K + EPSILON);
      row.forEach((value, k) => (row[k] = value * factor * gain[k]!));
    }
    const sums = matrices.map((matrix, i) =>
      Array.from({ length: c.outputs[i]! }, (_, n) => {
        let sum = biases[i]?.[n] ?? 0;
        for (let k = 0; k < K; k++) sum += row[k]! * matrix[n * K + k]!;
        return sum;
      }),
    );
    const after = (sum: number) => afterOf(c).reduce(applied, sum);
    if (finish === "gated") return sums[0]!.map((gate, n) => after(gate) * sums[1]![n]!);
    const flat = sums.flat().map(after);
    return finish === "residual" ? flat.map((sum, n) => sum + residuals[r * flat.length + n]!) : flat;
  });
  return Float64Array.from(rows.flat());
}

/** The least number of inputs of a type, and an odd number of its blocks. */
export function widthsOf(dtype: DType): readonly number[] {
  const { blockElements } = DTYPES[dtype];
  return blockElements === 1 ? [1, 30, 77] : [blockElements, (blockElements === 32 ? 19 : 3) * blockElements];
}
