/**
 * Weights that are made up: specs as the file says, values such that arithmetic costs what it costs with real ones (no
 * zeros, NaNs or denormals). Reading copies a pattern, so that nothing of the file is needed.
 */
import { quantize } from "../quant/index.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import type { TensorSpec } from "../tensor/tensor.js";
import type { WeightSource } from "../tensor/weights.js";

/** Elements of a pattern: whole blocks of every type. */
const PATTERN_ELEMENTS = 64 * 256;

export function syntheticWeight(spec: TensorSpec): WeightSource {
  let pattern: Uint8Array | undefined;
  return {
    spec,
    async readInto(offset, target) {
      pattern ??= patternOf(spec);
      for (let at = 0, from = offset % pattern.length; at < target.length; from = 0) {
        const piece = pattern.subarray(from, from + target.length - at);
        target.set(piece, at);
        at += piece.length;
      }
    },
  };
}

/** Vectors are ones (norms, factors of RoPE); matrices are small numbers of both signs. */
function patternOf({ dtype, shape }: TensorSpec): Uint8Array {
  const isVector = shape.length < 2;
  const cached = isVector ? undefined : PATTERNS.get(dtype);
  if (cached !== undefined) return cached;
  let state = 1;
  const values = Float32Array.from({ length: PATTERN_ELEMENTS }, () => {
    if (isVector) return 1;
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0; // Numerical Recipes' generator
    return (state / 2 ** 32 - 0.5) * 0.1;
  });
  const pattern = isFloat(dtype) ? quantize(dtype, values) : new Uint8Array(values.length * 4);
  if (!isVector) PATTERNS.set(dtype, pattern);
  return pattern;
}

const PATTERNS = new Map<DType, Uint8Array>();

function isFloat(dtype: DType): boolean {
  return !/^[iu]\d/.test(dtype) && dtype in DTYPES;
}
