/** Helpers of the references: float32 matrices as arrays of rows, made and read with few words. */
import { dequantize } from "../quant/index.js";
import { createTensor, type HostTensor, viewAs } from "../tensor/tensor.js";

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float32Array;
}

/** A tensor of any float dtype as a float32 matrix [rows, columns]; vectors count as one row. */
export function matrixOf(tensor: HostTensor): Matrix {
  const { dtype, shape } = tensor.spec;
  const columns = shape.at(-1) ?? 1;
  const values = dtype === "f32" ? viewAs(tensor, "f32") : dequantize(dtype, tensor.data);
  return { rows: shape.length < 2 ? 1 : shape[0]!, columns, values };
}

/** A new float32 tensor [rows, columns] with its elements to fill in. */
export function newMatrix(rows: number, columns: number): { tensor: HostTensor; values: Float32Array } {
  const tensor = createTensor({ dtype: "f32", shape: [rows, columns] });
  return { tensor, values: viewAs(tensor, "f32") };
}
