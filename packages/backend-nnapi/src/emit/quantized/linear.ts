/**
 * A dense layer in integers: QuantizeLinear, QLinearMatMul, DequantizeLinear, and a factor per output column. NNAPI has one
 * scale for a whole matrix, so that what would be scales of columns is divided out of the weights and multiplied back.
 */
import type { Value } from "@millet/core/graph";
import type { EmitContext } from "../context.js";
import { floatTensor } from "../weights.js";
import type { Level } from "./levels.js";
import { chosenColumns, quantizedMatrix } from "./matrix.js";
import { type Quantization, WEIGHT_ZERO_POINT } from "./parameters.js";
import type { QuantizedLinear } from "./plan.js";

/** @param output what the layer's output is to be divided by, for the layer behind it */
export function emitQuantizedLinear(
  context: EmitContext,
  [x, weight, bias]: readonly Value[],
  linear: QuantizedLinear,
  output: Float32Array | undefined,
): string {
  const { builder } = context;
  const divided = context.divided(x!, linear.divisors);
  const matrix = builder.constant(quantizedMatrix(`${weight!.name}.uint8`, context.source(weight!), linear));
  const multiply = (codes: string, { input: from, output: to }: Level) => {
    const weights = { scale: linear.weightScale, zeroPoint: WEIGHT_ZERO_POINT };
    const operands = [codes, ...pair(context, from), matrix, ...pair(context, weights), ...pair(context, to)];
    return dequantize(context, builder.node("QLinearMatMul", operands), to);
  };
  let rest = divided;
  let whole: string | undefined;
  for (const [i, level] of linear.levels.entries()) {
    const codes = quantize(context, rest, level.input);
    const product = multiply(codes, level);
    whole = whole === undefined ? product : builder.node("Add", [whole, product]);
    if (i + 1 < linear.levels.length || linear.massive.length > 0)
      rest = builder.node("Sub", [rest, dequantize(context, codes, level.input)]);
  }
  const massive = () => {
    const indices = builder.int64s(...linear.massive);
    const columns = builder.node("Gather", [rest, indices], { attributes: { axis: 1 } }); // [T, few]
    const name = `${weight!.name}.massive`;
    const few = chosenColumns(name, context.source(weight!), { ...linear, output });
    return builder.node("MatMul", [columns, builder.constant(few)]);
  };
  const factors = linear.factors.map((factor, i) => factor / (output?.[i] ?? 1));
  const integers = builder.node("Mul", [whole!, builder.floatVector(`${weight!.name}.factors`, factors)]);
  const product = linear.massive.length === 0 ? integers : builder.node("Add", [integers, massive()]);
  return bias
    ? builder.node("Add", [product, builder.constant(floatTensor(bias.name, context.source(bias)))])
    : product;
}

function quantize(context: EmitContext, x: string, to: Quantization): string {
  return context.builder.node("QuantizeLinear", [x, ...pair(context, to)]);
}

function dequantize(context: EmitContext, codes: string, from: Quantization): string {
  return context.builder.node("DequantizeLinear", [codes, ...pair(context, from)]);
}

/** Names of scale and zero point. */
function pair({ builder }: EmitContext, { scale, zeroPoint }: Quantization): [string, string] {
  const code = {
    name: `zero(${zeroPoint})`,
    dtype: "uint8",
    dims: [],
    data: Uint8Array.of(zeroPoint),
  } as const;
  return [builder.floats([scale]), builder.constant(code)];
}
