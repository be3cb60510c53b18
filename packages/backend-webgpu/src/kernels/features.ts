/** Which optional features each family of kernels may use: what the device has, less what the self-test found wrong. */
import type { OptionalFeature, PromptRounding } from "../options.js";

/**
 * What kernels have variants for. "exact-halves": `unpack2x16float` keeps subnormal halves; a driver that flushes them to
 * zero shows it in the self-test only.
 */
export type KernelFeature = OptionalFeature | "exact-halves";

/**
 * All that kernels may try on a device.
 * @param rounding what kernels for prompts may do: nothing by default, since it costs accuracy (docs/webgpu.md)
 */
export function triedFeatures(
  features: ReadonlySet<OptionalFeature>,
  rounding: readonly PromptRounding[] = [],
): ReadonlySet<KernelFeature> {
  const tried = new Set<KernelFeature>([...features, "exact-halves"]);
  if (!rounding.includes("int8")) tried.delete("packed-dot");
  if (!rounding.includes("f16")) tried.delete("shader-f16");
  return tried;
}

export const KERNEL_FAMILIES = [
  "linear_row",
  "linear_tile",
  "attention",
  "embedding",
  "sample",
  "plain",
] as const;
export type KernelFamily = (typeof KERNEL_FAMILIES)[number];

export type KernelFeatures = Record<KernelFamily, ReadonlySet<KernelFeature>>;

/** The same features for all families. */
export function featuresForAll(features: ReadonlySet<KernelFeature>): KernelFeatures {
  const entries = KERNEL_FAMILIES.map((family) => [family, features] as const);
  return Object.fromEntries(entries) as KernelFeatures;
}

export function noFeatures(): KernelFeatures {
  return featuresForAll(new Set());
}
