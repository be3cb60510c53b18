/** What the app asks of its backend: that of @millet/backend-nnapi, or in tests another with the same face. */
import type { BackendFactory } from "@millet/core";

/** Execution providers that the self-test tries, the CPU first: the others are compared with it. */
export const PROVIDERS = ["cpu", "xnnpack", "nnapi"] as const;
export type ProviderName = (typeof PROVIDERS)[number];

/** What was decided and why; all of it goes into the report. */
export interface BackendPlan {
  /** What computes prompts; "none": the fallback, which computes everything else. */
  readonly resolved: ProviderName | "none";
  readonly fallback: string;
  /** Several lines for people. */
  toString(): string;
}

export interface PlannedBackend extends BackendFactory {
  /** Of the latest load. */
  readonly plan: BackendPlan | undefined;
}
