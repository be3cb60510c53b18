/** cap * tanh(x / cap), for the op soft_cap and for the scores of attention. */
import { f32Literal } from "./wgsl.js";

/**
 * `fn <name>(x: T) -> T` for f32 or vectors of it. WGSL's own tanh may be off by 1e-5; near zero, where
 * 1 - 2 / (e^2x + 1) cancels, the series serves.
 */
export function softCapWgsl(name: string, type: "f32" | "vec4<f32>", cap: number): string {
  return `
fn ${name}(value: ${type}) -> ${type} {
  let x = clamp(value / ${f32Literal(cap)}, ${type}(-20f), ${type}(20f));
  let far = 1f - 2f / (exp(2f * x) + 1f);
  let s = x * x;
  let near = x * (1f + s * (-0.33333333f + s * (0.13333333f + s * (-0.053968254f + s * 0.021869488f))));
  return ${f32Literal(cap)} * select(far, near, s < ${type}(0.09f));
}`;
}
