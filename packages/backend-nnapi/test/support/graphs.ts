/** Small ONNX graphs for tests: nodes and types in a few words. */
import {
  ONNX_DTYPES,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from "../../src/onnx/model.js";

export type Shape = readonly (number | string)[];

export const value = (name: string, shape: Shape, dtype: OnnxDType = "float32"): OnnxValue => ({
  name,
  dtype,
  shape,
});

export function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
  domain = "",
): OnnxNode {
  return { name: `${opType}_${outputs[0]}`, opType, domain, inputs, outputs, attributes };
}

export const int = (number: number): OnnxAttribute => ({ type: "int", value: number });

export function floats(name: string, dims: readonly number[], values: readonly number[]): OnnxTensor {
  return { name, dtype: "float32", dims, data: new Uint8Array(Float32Array.from(values).buffer) };
}

export function int64s(name: string, values: readonly number[]): OnnxTensor {
  const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dtype: "int64", dims: [values.length], data };
}

export function bytes(
  name: string,
  dims: readonly number[],
  values: readonly number[],
  dtype: OnnxDType = "uint8",
): OnnxTensor {
  return { name, dtype, dims, data: Uint8Array.from(values) };
}

/** A graph that names no types within unless `values` does. */
export function model(parts: Partial<OnnxGraph>): OnnxModel {
  const graph = { name: "test", nodes: [], initializers: [], inputs: [], outputs: [], values: [], ...parts };
  return { irVersion: 9, producer: "millet", opsets: { "": 19, "com.microsoft": 1 }, graph };
}

export const DTYPE_NAMES = Object.keys(ONNX_DTYPES).filter((name) => name in ONNX_DTYPES) as OnnxDType[];
