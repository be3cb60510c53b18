/**
 * Reads ONNX files (onnx.proto3): nodes, types and constants. Data of constants are views of the file's bytes, not copies.
 * Subgraphs are noticed and not entered.
 */
import {
  ONNX_DTYPES,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  onnxByteLength,
} from "./model.js";
import { bytesOf, floatsOf, intOf, intsOf, malformed, readFields, textOf } from "./wire-reader.js";

const DTYPES = new Map<number, OnnxDType>(
  Object.entries(ONNX_DTYPES).map(([name, number]) => [number, name as OnnxDType]),
);
const EXTERNAL = 1;

/** @throws MilletError ONNX_MALFORMED if it is damaged, or no ONNX model */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  const opsets: Record<string, number> = {};
  let [irVersion, producer] = [0, ""];
  let graph: OnnxGraph | undefined;
  for (const field of readFields(bytes)) {
    if (field.field === 1) irVersion = intOf(field);
    else if (field.field === 2) producer = textOf(field);
    else if (field.field === 7) graph = readGraph(bytesOf(field));
    else if (field.field === 8) Object.assign(opsets, readOpset(bytesOf(field)));
  }
  if (graph === undefined) throw malformed("it holds no graph");
  return { irVersion, producer, opsets, graph };
}

function readOpset(bytes: Uint8Array): Record<string, number> {
  let [domain, version] = ["", 0];
  for (const field of readFields(bytes)) {
    if (field.field === 1) domain = textOf(field);
    else if (field.field === 2) version = intOf(field);
  }
  return { [domain]: version };
}

function readGraph(bytes: Uint8Array): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const [inputs, outputs, values]: OnnxValue[][] = [[], [], []];
  let name = "";
  for (const field of readFields(bytes)) {
    if (field.field === 1) nodes.push(readNode(bytesOf(field)));
    else if (field.field === 2) name = textOf(field);
    else if (field.field === 5) initializers.push(readTensor(bytesOf(field)));
    else if (field.field === 11) inputs!.push(readValue(bytesOf(field)));
    else if (field.field === 12) outputs!.push(readValue(bytesOf(field)));
    else if (field.field === 13) values!.push(readValue(bytesOf(field)));
  }
  return { name, nodes, initializers, inputs: inputs!, outputs: outputs!, values: values! };
}

function readNode(bytes: Uint8Array): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: Record<string, OnnxAttribute> = {};
  let [name, opType, domain] = ["", "", ""];
  for (const field of readFields(bytes)) {
    if (field.field === 1) inputs.push(textOf(field));
    else if (field.field === 2) outputs.push(textOf(field));
    else if (field.field === 3) name = textOf(field);
    else if (field.field === 4) opType = textOf(field);
    else if (field.field === 5) Object.assign(attributes, readAttribute(bytesOf(field)));
    else if (field.field === 7) domain = textOf(field);
  }
  return { name, opType, domain, inputs, outputs, attributes };
}

/** The value that is there decides about the kind: old files leave the field `type` out. */
function readAttribute(bytes: Uint8Array): Record<string, OnnxAttribute> {
  const floats: number[] = [];
  const ints: number[] = [];
  let [name, type] = ["", 0];
  let single: OnnxAttribute | undefined;
  for (const field of readFields(bytes)) {
    if (field.field === 1) name = textOf(field);
    else if (field.field === 2) single = { type: "float", value: floatsOf(field)[0] ?? 0 };
    else if (field.field === 3) single = { type: "int", value: intOf(field) };
    else if (field.field === 4) single = { type: "string", value: textOf(field) };
    else if (field.field === 5) single = { type: "tensor", value: readTensor(bytesOf(field)) };
    else if (field.field === 6 || field.field === 11) single = { type: "unread", holdsGraph: true };
    else if (field.field === 7) floats.push(...floatsOf(field));
    else if (field.field === 8) ints.push(...intsOf(field));
    else if (field.field === 20) type = intOf(field);
  }
  return { [name]: single ?? listAttribute(type, ints, floats) };
}

/** An empty list leaves only its type behind; so does a number that is 0. */
function listAttribute(type: number, ints: readonly number[], floats: readonly number[]): OnnxAttribute {
  if (type === 7 || ints.length > 0) return { type: "ints", value: ints };
  if (type === 6 || floats.length > 0) return { type: "floats", value: floats };
  if (type === 1) return { type: "float", value: 0 };
  if (type === 2) return { type: "int", value: 0 };
  if (type === 3) return { type: "string", value: "" };
  return { type: "unread", holdsGraph: false };
}

function readTensor(bytes: Uint8Array): OnnxTensor {
  const dims: number[] = [];
  const ints: number[] = [];
  const floats: number[] = [];
  let name = "";
  let type = 0;
  let external = false;
  let raw: Uint8Array | undefined;
  for (const field of readFields(bytes)) {
    if (field.field === 1) dims.push(...intsOf(field));
    else if (field.field === 2) type = intOf(field);
    else if (field.field === 4) floats.push(...floatsOf(field));
    else if (field.field === 5 || field.field === 7) ints.push(...intsOf(field));
    else if (field.field === 8) name = textOf(field);
    else if (field.field === 9) raw = bytesOf(field);
    else if (field.field === 14) external = intOf(field) === EXTERNAL;
  }
  const dtype = DTYPES.get(type);
  if (dtype === undefined) throw malformed(`constant "${name}" has the unknown element type ${type}`);
  if (external) return { name, dtype, dims, data: "external" };
  const data = raw ?? packNumbers(dtype, dtype === "float32" ? floats : ints);
  if (dtype !== "string" && data.byteLength !== onnxByteLength(dtype, dims)) {
    throw malformed(`constant "${name}", ${dtype}[${dims.join(", ")}], has ${data.byteLength} bytes of data`);
  }
  return { name, dtype, dims, data };
}

/** Small constants may be lists of numbers (float_data, int32_data, int64_data) instead of raw bytes. */
function packNumbers(dtype: OnnxDType, values: readonly number[]): Uint8Array {
  switch (dtype) {
    case "float32":
      return bytesOfArray(Float32Array.from(values));
    case "int32":
      return bytesOfArray(Int32Array.from(values));
    case "int64":
      return bytesOfArray(BigInt64Array.from(values, BigInt));
    case "float16":
    case "bfloat16":
    case "uint16":
    case "int16":
      return bytesOfArray(Uint16Array.from(values));
    case "uint8":
    case "int8":
    case "bool":
    case "uint4":
    case "int4":
      return Uint8Array.from(values);
    case "string":
      return new Uint8Array(0);
    case "float64":
    case "uint32":
    case "uint64":
      throw malformed(`a constant of type ${dtype} that is a list of numbers; only raw data are read`);
    default:
      return dtype satisfies never;
  }
}

function bytesOfArray({ buffer }: { readonly buffer: ArrayBuffer }): Uint8Array {
  return new Uint8Array(buffer);
}

function readValue(bytes: Uint8Array): OnnxValue {
  let name = "";
  let type: Pick<OnnxValue, "dtype" | "shape"> = { dtype: undefined, shape: undefined };
  for (const field of readFields(bytes)) {
    if (field.field === 1) name = textOf(field);
    else if (field.field === 2) type = readType(bytesOf(field));
  }
  return { name, ...type };
}

/** TypeProto; other kinds than tensors are left unknown. */
function readType(bytes: Uint8Array): Pick<OnnxValue, "dtype" | "shape"> {
  let dtype: OnnxDType | undefined;
  let shape: OnnxValue["shape"];
  for (const kind of readFields(bytes)) {
    if (kind.field !== 1) continue;
    for (const field of readFields(bytesOf(kind))) {
      if (field.field === 1) dtype = DTYPES.get(intOf(field));
      else if (field.field === 2) shape = readShape(bytesOf(field));
    }
  }
  return { dtype, shape };
}

function readShape(bytes: Uint8Array): (number | string | undefined)[] {
  const dims: (number | string | undefined)[] = [];
  for (const field of readFields(bytes)) {
    if (field.field !== 1) continue;
    let dim: number | string | undefined;
    for (const part of readFields(bytesOf(field))) {
      if (part.field === 1) dim = intOf(part);
      else if (part.field === 2) dim = textOf(part) || undefined;
    }
    dims.push(dim);
  }
  return dims;
}
