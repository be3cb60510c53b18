/**
 * The operators that ONNX Runtime's NNAPI provider has builders for, with the first Android API level that runs them and
 * the types that they take (onnxruntime 1.21; the Android API levels are those of the Neural Networks API's operations).
 */
import type { OnnxDType } from "../onnx/model.js";

export interface NnapiOp {
  /** API level 27 is Android 8.1, 28 is 9, 29 is 10, 30 is 11. */
  readonly apiLevel: number;
  /** Types of the operands that are data; indices, shapes and scales have rules of their own. */
  readonly dtypes: readonly OnnxDType[];
  /** Domains that the operator is known under. Default: ONNX's own. */
  readonly domain?: string;
}

const FLOAT: readonly OnnxDType[] = ["float32"];
const NUMBERS: readonly OnnxDType[] = ["float32", "int32"];
const ANY: readonly OnnxDType[] = ["float32", "int32", "uint8"];
const FLOAT_OR_QUANTIZED: readonly OnnxDType[] = ["float32", "uint8"];
const QUANTIZED: readonly OnnxDType[] = ["uint8"];
const MICROSOFT = "com.microsoft";

/** By operator type. */
export const NNAPI_OPS: Readonly<Record<string, NnapiOp>> = {
  // elementwise, two operands
  Add: { apiLevel: 27, dtypes: NUMBERS },
  Sub: { apiLevel: 28, dtypes: NUMBERS },
  Mul: { apiLevel: 27, dtypes: NUMBERS },
  Div: { apiLevel: 28, dtypes: NUMBERS },
  Pow: { apiLevel: 29, dtypes: FLOAT },
  PRelu: { apiLevel: 29, dtypes: FLOAT },
  Min: { apiLevel: 29, dtypes: NUMBERS },
  Max: { apiLevel: 29, dtypes: NUMBERS },
  QLinearAdd: { apiLevel: 27, dtypes: QUANTIZED, domain: MICROSOFT },
  QLinearMul: { apiLevel: 27, dtypes: QUANTIZED, domain: MICROSOFT },
  // elementwise, one operand
  Abs: { apiLevel: 29, dtypes: NUMBERS },
  Exp: { apiLevel: 29, dtypes: FLOAT },
  Floor: { apiLevel: 27, dtypes: FLOAT },
  Log: { apiLevel: 29, dtypes: FLOAT },
  Neg: { apiLevel: 29, dtypes: NUMBERS },
  Sigmoid: { apiLevel: 27, dtypes: FLOAT },
  QLinearSigmoid: { apiLevel: 27, dtypes: QUANTIZED, domain: MICROSOFT },
  Sin: { apiLevel: 29, dtypes: FLOAT },
  Sqrt: { apiLevel: 29, dtypes: FLOAT },
  Tanh: { apiLevel: 27, dtypes: FLOAT },
  Relu: { apiLevel: 27, dtypes: FLOAT },
  Elu: { apiLevel: 30, dtypes: FLOAT },
  LeakyRelu: { apiLevel: 29, dtypes: FLOAT },
  Clip: { apiLevel: 27, dtypes: FLOAT },
  // products
  Gemm: { apiLevel: 27, dtypes: FLOAT },
  MatMul: { apiLevel: 27, dtypes: FLOAT },
  QLinearMatMul: { apiLevel: 27, dtypes: QUANTIZED },
  Conv: { apiLevel: 27, dtypes: FLOAT },
  QLinearConv: { apiLevel: 27, dtypes: QUANTIZED },
  // along axes
  ReduceMean: { apiLevel: 28, dtypes: FLOAT },
  Softmax: { apiLevel: 27, dtypes: FLOAT_OR_QUANTIZED },
  // moves
  Concat: { apiLevel: 27, dtypes: ANY },
  Slice: { apiLevel: 28, dtypes: ANY },
  Split: { apiLevel: 29, dtypes: ANY },
  Gather: { apiLevel: 29, dtypes: ANY },
  Reshape: { apiLevel: 27, dtypes: FLOAT_OR_QUANTIZED },
  Transpose: { apiLevel: 28, dtypes: FLOAT_OR_QUANTIZED },
  Squeeze: { apiLevel: 28, dtypes: FLOAT_OR_QUANTIZED },
  Unsqueeze: { apiLevel: 27, dtypes: FLOAT_OR_QUANTIZED },
  Flatten: { apiLevel: 27, dtypes: FLOAT_OR_QUANTIZED },
  Identity: { apiLevel: 27, dtypes: ANY },
  Pad: { apiLevel: 28, dtypes: FLOAT_OR_QUANTIZED },
  // types
  Cast: { apiLevel: 29, dtypes: NUMBERS },
  QuantizeLinear: { apiLevel: 29, dtypes: FLOAT },
  DequantizeLinear: { apiLevel: 27, dtypes: QUANTIZED },
};
