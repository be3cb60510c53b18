/** Activations and arithmetic, element by element. */
import type { EmitContext } from "../context.js";

/**
 * x / (1 + e^-x): ONNX Runtime's Sigmoid is a polynomial that keeps few digits of small results. In quantized graphs, which
 * round far more away, it is Sigmoid, which NNAPI has had from the first.
 */
export function emitSilu(context: EmitContext, x: string): string {
  const { builder, options } = context;
  if (options.quantization) return builder.node("Mul", [x, builder.node("Sigmoid", [x])]);
  return overOnePlusExp(context, x, context.builder.node("Neg", [x]));
}

function overOnePlusExp({ builder }: EmitContext, x: string, exponent: string): string {
  const sum = builder.node("Add", [builder.node("Exp", [exponent]), builder.floats([1])]);
  return builder.node("Div", [x, sum]);
}

/** See core's op gelu: the tanh form as x / (1 + e^(-2u)), the exact one by Erf. */
export function emitGelu(context: EmitContext, x: string, approximation: "tanh" | "none"): string {
  const { builder } = context;
  if (approximation === "none") {
    const erf = builder.node("Erf", [builder.node("Mul", [x, builder.floats([Math.SQRT1_2])])]);
    const half = builder.node("Mul", [x, builder.floats([0.5])]);
    return builder.node("Mul", [half, builder.node("Add", [erf, builder.floats([1])])]);
  }
  const slope = -2 * Math.sqrt(2 / Math.PI);
  const square = builder.node("Mul", [x, x]);
  const curved = builder.node("Mul", [square, builder.floats([slope * 0.044715])]);
  const factor = builder.node("Add", [curved, builder.floats([slope])]);
  return overOnePlusExp(context, x, builder.node("Mul", [x, factor]));
}

/** cap * tanh(x / cap) */
export function emitSoftCap({ builder }: EmitContext, x: string, cap: number): string {
  const inner = builder.node("Tanh", [builder.node("Mul", [x, builder.floats([1 / cap])])]);
  return builder.node("Mul", [inner, builder.floats([cap])]);
}

export function emitScale({ builder }: EmitContext, x: string, factor: number): string {
  return builder.node("Mul", [x, builder.floats([factor])]);
}
