/**
 * rms_norm and layer_norm by Mul, ReduceMean, Add, Sqrt and Div, which every execution provider has; in quantized graphs of
 * plan "safe" rms_norm is one operator of the CPU's.
 */
import type { Value } from "@millet/core/graph";
import type { LayerNormAttrs } from "@millet/core/ops";
import type { EmitContext } from "../context.js";
import { dividedTensor, floatTensor } from "../weights.js";

/** @param divisors what the result's columns are to be divided by, with the weight */
export function emitRmsNorm(
  context: EmitContext,
  inputs: readonly Value[],
  attrs: LayerNormAttrs,
  divisors?: Float32Array,
): string {
  const { builder, options } = context;
  const { epsilon, groups = 1 } = attrs;
  if (groups === 1 && options.quantization?.name === "safe") {
    const weight = normWeight(context, inputs[1]!, divisors);
    return builder.node("SimplifiedLayerNormalization", [context.name(inputs[0]!), weight], {
      attributes: { axis: -1, epsilon: { float: epsilon } },
    });
  }
  return inGroups(context, inputs, attrs, (x) => scaled(context, x, x, epsilon), divisors);
}

/** A norm's weight or bias, divided column by column. */
function normWeight(context: EmitContext, value: Value, divisors?: Float32Array): string {
  const tensor = floatTensor(value.name, context.source(value));
  return context.builder.constant(divisors ? dividedTensor(tensor, divisors) : tensor);
}

export function emitLayerNorm(context: EmitContext, inputs: readonly Value[], attrs: LayerNormAttrs): string {
  const { builder } = context;
  return inGroups(context, inputs, attrs, (x) => {
    const mean = builder.node("ReduceMean", [x, builder.int64s(-1)]);
    const centred = builder.node("Sub", [x, mean]);
    return scaled(context, centred, centred, attrs.epsilon);
  });
}

/** x / sqrt(mean(of^2) + epsilon) */
function scaled({ builder }: EmitContext, x: string, of: string, epsilon: number): string {
  const square = builder.node("Mul", [of, of]);
  const mean = builder.node("ReduceMean", [square, builder.int64s(-1)]);
  const root = builder.node("Sqrt", [builder.node("Add", [mean, builder.floats([epsilon])])]);
  return builder.node("Div", [x, root]);
}

/** Normalizes rows of groups; weight and bias apply to a group or, as long as a row, to all of it. */
function inGroups(
  context: EmitContext,
  [x, weight, bias]: readonly Value[],
  { groups = 1 }: LayerNormAttrs,
  normalize: (x: string) => string,
  divisors?: Float32Array,
): string {
  const { builder } = context;
  const columns = x!.spec.shape[1]!;
  const vector = (value: Value) => normWeight(context, value, divisors);
  const affine = (y: string) => {
    const product = builder.node("Mul", [y, vector(weight!)]);
    return bias ? builder.node("Add", [product, vector(bias)]) : product;
  };
  if (groups === 1) return affine(normalize(context.name(x!)));
  const split = builder.node("Reshape", [context.name(x!), builder.int64s(-1, groups, columns / groups)]);
  const isShared = weight!.spec.shape[0] !== columns;
  const inside = isShared ? affine(normalize(split)) : normalize(split);
  const joined = builder.node("Reshape", [inside, builder.int64s(-1, columns)]);
  return isShared ? joined : affine(joined);
}
