/** Which optional features a device has, and what it means where one is missing. */
import type { OptionalFeature, WebgpuOptions } from "../options.js";
import { featureMissing } from "./unavailable.js";

export const OPTIONAL_FEATURES: readonly OptionalFeature[] = [
  "subgroups",
  "shader-f16",
  "packed-dot",
  "timestamp-query",
];

/** The name of "packed-dot" in WGSL's `requires`. */
export const PACKED_DOT = "packed_4x8_integer_dot_product";

type FeatureOptions = Pick<WebgpuOptions, "withoutFeatures" | "requiredFeatures" | "trace">;

/** Those that a device is asked for: what its adapter has of them and the app did not forbid. */
export function featuresToRequest(
  adapter: GPUAdapter,
  { withoutFeatures = [] }: FeatureOptions,
): GPUFeatureName[] {
  return OPTIONAL_FEATURES.filter((feature) => feature !== "packed-dot")
    .filter((feature) => adapter.features.has(feature))
    .filter((feature) => !withoutFeatures.includes(feature));
}

/**
 * Those that kernels may use.
 * @param gpu where the device comes from, as far as known
 */
export function usableFeatures(
  device: GPUDevice,
  gpu: GPU | undefined,
  { withoutFeatures = [] }: FeatureOptions,
): ReadonlySet<OptionalFeature> {
  // Old browsers have no list of WGSL's features.
  const language = (gpu as Partial<GPU> | undefined)?.wgslLanguageFeatures;
  const has = (feature: OptionalFeature) =>
    feature === "packed-dot" ? (language?.has(PACKED_DOT) ?? false) : device.features.has(feature);
  return new Set(OPTIONAL_FEATURES.filter((feature) => has(feature) && !withoutFeatures.includes(feature)));
}

/** @throws MilletError BACKEND_UNAVAILABLE, feature-missing */
export function checkFeatures(
  features: ReadonlySet<OptionalFeature>,
  { requiredFeatures = [] }: FeatureOptions,
  description: string,
): void {
  const missing = requiredFeatures.find((feature) => !features.has(feature));
  if (missing) throw featureMissing(missing, description);
}

/** What is worse without a feature; nothing is where kernels do not take it by themselves. */
const WITHOUT: Readonly<Partial<Record<OptionalFeature, string>>> = {
  subgroups: "sums go through workgroup memory, which is slower",
  "timestamp-query": "the times of a trace are not measured",
};

/** A sentence per missing feature that makes a difference. Timestamps matter to traces alone. */
export function featureLimitations(
  features: ReadonlySet<OptionalFeature>,
  { withoutFeatures = [], trace }: FeatureOptions,
): string[] {
  return OPTIONAL_FEATURES.filter((feature) => !features.has(feature))
    .filter((feature) => feature !== "timestamp-query" || trace)
    .flatMap((feature) => {
      const what = WITHOUT[feature];
      if (what === undefined) return [];
      const why = withoutFeatures.includes(feature)
        ? `The app forbids the WebGPU feature "${feature}"`
        : `This device lacks the WebGPU feature "${feature}"`;
      return [`${why}: ${what}.`];
    });
}
