/** A dense layer's weight as QLinearMatMul's operand: uint8 [K, N] with zero point 128, made while the file is written. */
import { dequantize } from "@millet/core/quant";
import type { WeightSource } from "@millet/core/tensor";
import type { OnnxTensor } from "../../onnx/model.js";
import { rowsOf } from "../weights.js";
import { WEIGHT_LEVELS, WEIGHT_ZERO_POINT } from "./parameters.js";

/** Row by row as float32: the row's number and its elements, which are valid until the next one. */
export async function* floatRows(source: WeightSource): AsyncGenerator<readonly [number, Float32Array]> {
  const { dtype, shape } = source.spec;
  const columns = shape[1]!;
  let row = 0;
  for await (const bytes of rowsOf(source)) {
    const floats = dequantize(dtype, bytes);
    for (let at = 0; at < floats.length; at += columns) yield [row++, floats.subarray(at, at + columns)];
  }
}

export interface MatrixScaling {
  /** What the input's columns were divided by. [K] */
  readonly divisors: ArrayLike<number>;
  /** What the output's columns will be multiplied by. [N] */
  readonly factors: ArrayLike<number>;
  readonly weightScale: number;
}

/** Only one matrix at a time is in memory, as uint8. */
export function quantizedMatrix(
  name: string,
  source: WeightSource,
  { divisors, factors, weightScale }: MatrixScaling,
): OnnxTensor {
  const [rows, columns] = source.spec.shape as readonly [number, number];
  async function* read() {
    const codes = new Uint8Array(rows * columns);
    for await (const [row, weights] of floatRows(source)) {
      const factor = 1 / (factors[row]! * weightScale);
      for (let k = 0; k < columns; k++) {
        const level = Math.round(weights[k]! * divisors[k]! * factor);
        const clipped = Math.max(-WEIGHT_LEVELS, Math.min(WEIGHT_LEVELS, level));
        codes[k * rows + row] = clipped + WEIGHT_ZERO_POINT;
      }
    }
    yield codes;
  }
  return { name, dtype: "uint8", dims: [columns, rows], data: { byteLength: rows * columns, read } };
}

/** Few columns of a weight as float32 [few, N], for an input that is divided and an output that is to be. */
export function chosenColumns(
  name: string,
  source: WeightSource,
  given: {
    readonly massive: readonly number[];
    readonly divisors: ArrayLike<number>;
    readonly output: ArrayLike<number> | undefined;
  },
): OnnxTensor {
  const { massive, divisors, output } = given;
  const rows = source.spec.shape[0]!;
  async function* read() {
    const chosen = new Float32Array(massive.length * rows);
    for await (const [n, weights] of floatRows(source)) {
      massive.forEach((k, i) => {
        chosen[i * rows + n] = (weights[k]! * divisors[k]!) / (output?.[n] ?? 1);
      });
    }
    yield new Uint8Array(chosen.buffer);
  }
  return {
    name,
    dtype: "float32",
    dims: [massive.length, rows],
    data: { byteLength: 4 * massive.length * rows, read },
  };
}
