/** linear: Gemm for float weights, MatMulNBits for quantized ones, integers where a quantization is planned. */
import type { Value } from "@millet/core/graph";
import type { OnnxTensor } from "../../onnx/model.js";
import type { EmitContext } from "../context.js";
import { emitQuantizedLinear } from "../quantized/linear.js";
import { blockWeights, floatTensor } from "../weights.js";

const FLOAT_TYPES = new Set(["f32", "f16", "bf16", "f64"]);

/** What the blocks' minima add: sums of 32 inputs each, times f32[rows, blocks]. */
function offsets({ builder }: EmitContext, x: string, constants: OnnxTensor): string {
  const blocks = constants.dims[1]!;
  const split = builder.node("Reshape", [x, builder.int64s(-1, blocks, 32)]);
  // Not keepdims 0, whose result onnxruntime 1.30 shapes wrongly here for some numbers of rows.
  const kept = builder.node("ReduceSum", [split, builder.int64s(-1)]);
  const sums = builder.node("Reshape", [kept, builder.int64s(-1, blocks)]);
  return builder.node("Gemm", [sums, builder.constant(constants)], { attributes: { transB: 1 } });
}

export function emitLinear(context: EmitContext, inputs: readonly Value[], output: Value): string {
  const { builder, options } = context;
  const [x, weight, bias] = inputs;
  const planned = options.quantization?.linears.get(weight!.name);
  if (planned) return emitQuantizedLinear(context, inputs, planned, context.divisors(output));
  const source = context.source(weight!);
  const input = context.name(x!);
  const isFloat = FLOAT_TYPES.has(source.spec.dtype) || options.quantization?.floats.has(weight!.name);
  const blocks = isFloat ? undefined : blockWeights(weight!.name, source);
  const biasName = bias && builder.constant(floatTensor(bias.name, context.source(bias)));
  if (blocks === undefined) {
    const matrix = builder.constant(floatTensor(weight!.name, source));
    const operands = [input, matrix, ...(biasName === undefined ? [] : [biasName])];
    return builder.node("Gemm", operands, { attributes: { transB: 1 } });
  }
  const [rows, columns] = source.spec.shape as readonly [number, number];
  const product = builder.node(
    "MatMulNBits",
    [input, builder.constant(blocks.codes), builder.constant(blocks.scales)],
    {
      domain: "com.microsoft",
      attributes: {
        K: columns,
        N: rows,
        bits: blocks.bits,
        block_size: 32,
        accuracy_level: options.accuracyLevel,
      },
    },
  );
  const whole = blocks.offsets
    ? builder.node("Add", [product, offsets(context, input, blocks.offsets)])
    : product;
  return biasName === undefined ? whole : builder.node("Add", [whole, biasName]);
}
