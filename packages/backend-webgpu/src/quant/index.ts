/** The list of weight formats that lie on the GPU as they are. Adding one: its file and its line here. */
import { MilletError } from "@millet/core/errors";
import type { DType } from "@millet/core/tensor";
import { bf16 } from "./bf16.js";
import { f16 } from "./f16.js";
import { f32 } from "./f32.js";
import type { GpuFormat, WeightDType } from "./format.js";
import { iq4_nl } from "./iq4_nl.js";
import { iq4_xs } from "./iq4_xs.js";
import { q2_k } from "./q2_k.js";
import { q3_k } from "./q3_k.js";
import { q4_0 } from "./q4_0.js";
import { q4_1 } from "./q4_1.js";
import { q4_k } from "./q4_k.js";
import { q5_0 } from "./q5_0.js";
import { q5_1 } from "./q5_1.js";
import { q5_k } from "./q5_k.js";
import { q6_k } from "./q6_k.js";
import { q8_0 } from "./q8_0.js";

export const GPU_FORMATS: Readonly<Record<WeightDType, GpuFormat>> = {
  f32,
  f16,
  bf16,
  q4_0,
  q4_1,
  q5_0,
  q5_1,
  q8_0,
  q2_k,
  q3_k,
  q4_k,
  q5_k,
  q6_k,
  iq4_nl,
  iq4_xs,
};

const BY_DTYPE = new Map<DType, GpuFormat>(
  Object.values(GPU_FORMATS).map((format) => [format.dtype, format]),
);

/** Whether linear and embedding take weights of this type. */
export function hasFormat(dtype: DType): boolean {
  return BY_DTYPE.has(dtype);
}

/** @throws MilletError MODEL_TENSOR_DTYPE for a type without a file in this folder */
export function gpuFormat(dtype: DType): GpuFormat {
  const format = BY_DTYPE.get(dtype);
  if (format) return format;
  throw new MilletError(
    "MODEL_TENSOR_DTYPE",
    `The WebGPU backend has no kernels for ${dtype} weights. Use a file of ${[...BY_DTYPE.keys()].join(", ")}, or another backend.`,
  );
}
