/** Functions of one number: ops by themselves, and what kernels do to a product before they write it. */
import type { GeluAttrs, OpNode } from "@millet/core/ops";
import { softCapWgsl } from "./soft-cap.js";
import { f32Literal } from "./wgsl.js";

export type Unary =
  | { readonly op: "silu" }
  | { readonly op: "gelu"; readonly approximation: GeluAttrs["approximation"] }
  | { readonly op: "scale"; readonly factor: number }
  | { readonly op: "soft_cap"; readonly cap: number };

/** The function of a node of one operand, or that of the gate of one of two; undefined for other ops. */
export function unaryOf(node: OpNode): Unary | undefined {
  switch (node.op) {
    case "silu":
    case "swiglu":
      return { op: "silu" };
    case "gelu":
    case "geglu":
      return { op: "gelu", approximation: node.attrs.approximation };
    case "scale":
      return { op: "scale", factor: node.attrs.factor };
    case "soft_cap":
      return { op: "soft_cap", cap: node.attrs.cap };
    default:
      return undefined;
  }
}

/** `fn <name>(a: f32) -> f32`: one function after the other. */
export function unaryWgsl(name: string, steps: readonly Unary[]): string {
  const functions = steps.map((step, i) => stepWgsl(`${name}_${i}`, step));
  const result = steps.reduce((value, _, i) => `${name}_${i}(${value})`, "a");
  return `${functions.join("")}
fn ${name}(a: f32) -> f32 { return ${result}; }`;
}

function stepWgsl(name: string, step: Unary): string {
  switch (step.op) {
    case "silu":
      return `
fn ${name}(a: f32) -> f32 { return a / (1 + exp(-a)); }`;
    case "gelu":
      return step.approximation === "tanh" ? geluTanhWgsl(name) : geluWgsl(name);
    case "scale":
      return `
fn ${name}(a: f32) -> f32 { return a * ${f32Literal(step.factor)}; }`;
    case "soft_cap":
      return softCapWgsl(name, "f32", step.cap);
    default:
      return step satisfies never;
  }
}

/** a / (1 + e^-2u) with u = sqrt(2 / pi) * (a + 0.044715 a^3); the power is kept from overflowing. */
function geluTanhWgsl(name: string): string {
  const factor = -2 * Math.sqrt(2 / Math.PI);
  return `${expWgsl(`${name}_exp`)}
fn ${name}(a: f32) -> f32 {
  let power = a * (${f32Literal(factor)} + ${f32Literal(factor * 0.044715)} * a * a);
  return a / (1f + ${name}_exp(clamp(power, -80f, 80f)));
}`;
}

/**
 * Of e^(z^2) erfc(z) / t with t = 1 / (1 + z / 2), by powers of t: within 3e-7 of it for all z from 0 to 10. Fitted to
 * the values that erfc's continued fraction gives, by least squares with weights that even the errors out.
 */
const SCALED_ERFC = [
  0.28206447, 0.28285739, 0.23864177, 0.22555701, -0.098363928, 0.42136535, -0.67013818, 0.4290202,
  -0.12329603, 0.012291948,
];

/**
 * a * P(X <= a). P is erfc(z) / 2 for a < 0 and 1 - erfc(z) / 2 else, with z = |a| / sqrt(2). So that the far tail keeps
 * its digits, e^(-z^2) is the product of two powers, of which the large one has an exact square.
 */
function geluWgsl(name: string): string {
  const series = SCALED_ERFC.reduceRight((sum, value) => {
    const term = f32Literal(value);
    return sum === "" ? term : `(${sum} * t + ${term})`;
  }, "");
  return `${expWgsl(`${name}_exp`)}
fn ${name}(a: f32) -> f32 {
  let x = min(abs(a), 12f);
  let t = 1f / (1f + ${f32Literal(Math.SQRT1_2 / 2)} * x);
  let short = bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
  let power = ${name}_exp(-0.5f * short * short) * ${name}_exp(-0.5f * (x - short) * (x + short));
  let half_tail = 0.5f * t * ${series} * power;
  return a * select(1f - half_tail, half_tail, a < 0f);
}`;
}

/**
 * `fn <name>(x: f32) -> f32`: e^x for |x| below 87. WGSL's own may lose a digit where |x| is large: it may round x to a
 * multiple of log2(e) first. Here a power of 2 is taken out, with ln 2 in two parts (Cody and Waite 1980).
 */
function expWgsl(name: string): string {
  return `
fn ${name}(x: f32) -> f32 {
  let k = round(x * ${f32Literal(Math.LOG2E)});
  return ldexp(exp((x - k * 0.693359375f) + k * 2.1219444e-4f), i32(k));
}`;
}
