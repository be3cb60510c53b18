/** rms_norm and layer_norm by Mul, ReduceMean, Add, Sqrt and Div, which every execution provider has. */
import type { Value } from "@millet/core/graph";
import type { LayerNormAttrs } from "@millet/core/ops";
import type { EmitContext } from "../context.js";
import { floatTensor } from "../weights.js";

export function emitRmsNorm(context: EmitContext, inputs: readonly Value[], attrs: LayerNormAttrs): string {
  return inGroups(context, inputs, attrs, (x) => scaled(context, x, x, attrs.epsilon));
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
): string {
  const { builder } = context;
  const columns = x!.spec.shape[1]!;
  const vector = (value: Value) => builder.constant(floatTensor(value.name, context.source(value)));
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
