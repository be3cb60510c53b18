/** Which optional features each family of kernels may use: what the device has, less what the self-test found wrong. */
import type { OptionalFeature } from "../options.js";

export const KERNEL_FAMILIES = ["linear_row", "linear_tile", "attention", "embedding", "sample"] as const;
export type KernelFamily = (typeof KERNEL_FAMILIES)[number];

export type KernelFeatures = Record<KernelFamily, ReadonlySet<OptionalFeature>>;

/** The same features for all families. */
export function featuresForAll(features: ReadonlySet<OptionalFeature>): KernelFeatures {
  const entries = KERNEL_FAMILIES.map((family) => [family, features] as const);
  return Object.fromEntries(entries) as KernelFeatures;
}

export function noFeatures(): KernelFeatures {
  return featuresForAll(new Set());
}
