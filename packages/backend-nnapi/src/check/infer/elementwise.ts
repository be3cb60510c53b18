/** Operators whose result has the shape of their operands. */
import { ONNX_DTYPES, type OnnxDType } from "../../onnx/model.js";
import type { Infer } from "./context.js";
import { broadcast, typeOf } from "./type.js";

export const same: Infer = (context) => [typeOf(context.dtype(0), context.shape(0))];

export const broadcasting: Infer = (context) => {
  const shapes = context.node.inputs.map((_, i) => context.shape(i));
  return [typeOf(context.dtype(0), shapes.reduce(broadcast))];
};

/** Quantized operands stand first and fourth, each with a scale and a zero point behind it. */
export const quantizedPair: Infer = (context) => [
  typeOf(context.dtype(0), broadcast(context.shape(0), context.shape(3))),
];

export const quantize: Infer = (context) => [
  typeOf(context.has(2) ? context.dtype(2) : "uint8", context.shape(0)),
];

export const dequantize: Infer = (context) => [typeOf(context.dtype(1), context.shape(0))];

const BY_NUMBER = new Map(
  Object.entries(ONNX_DTYPES).map(([name, number]) => [number as number, name as OnnxDType]),
);

export const cast: Infer = (context) => [typeOf(BY_NUMBER.get(context.int("to", 0)), context.shape(0))];
