/** What was asked for, what came of it and why: plain data that JSON keeps, for apps, reports and people. */
import { isMilletError, type MilletErrorCode } from "@millet/core/errors";
import type { CandidateName, ResolvedOptions } from "./options.js";

/** A full sentence or more, and what it is called. */
export interface PlanReason {
  readonly code?: MilletErrorCode | undefined;
  readonly message: string;
}

/** How far one result is from another: the sum of squared differences by the sum of squares. */
export interface CandidateNumerics {
  /** From the same graph on the runtime's CPU provider: what the driver computes otherwise. */
  readonly toCpu?: number | undefined;
  /** From what computes prompts without an accelerator: that, and what rounding to 8 bits costs. */
  readonly toBaseline: number;
}

/** One provider, tried with some layers of the model. */
export interface CandidateReport {
  readonly name: CandidateName;
  /** Whether the runtime made a session of it. */
  readonly created: boolean;
  /** Median of the runs of one chunk through these layers. */
  readonly seconds?: number | undefined;
  /** Times faster than the baseline. */
  readonly speedup?: number | undefined;
  readonly numerics?: CandidateNumerics | undefined;
  /** Parts that the provider would run by the rules; NNAPI alone. */
  readonly partitions?: number | undefined;
  /** Nodes that the rules leave to the CPU, by operator; NNAPI alone. */
  readonly leftToCpu?: Readonly<Record<string, number>> | undefined;
  /** Why it is not the one. */
  readonly reason?: PlanReason | undefined;
}

/** Bytes by what they are for. */
export interface MemoryReport {
  /** Weights in the form that prompts are computed with on the accelerator. */
  readonly acceleratorBytes: number;
  /** Weights in the form that computes everything else. */
  readonly weightBytes: number;
  /** The KV cache of one full context, in float32. */
  readonly kvBytes: number;
  /** The largest shard once more, while a driver takes its weights over. */
  readonly shardBytes: number;
  readonly totalBytes: number;
  /** What all of it may take. */
  readonly budgetBytes: number;
  /** Layers on the accelerator, and all of them. */
  readonly acceleratedLayers: number;
  readonly layers: number;
}

export interface NnapiPlan {
  readonly requested: Readonly<
    Pick<
      ResolvedOptions,
      | "candidates"
      | "apiLevel"
      | "chunk"
      | "plan"
      | "maxNnapiBytes"
      | "memoryBytes"
      | "minSpeedup"
      | "flags"
      | "strict"
      | "probe"
    >
  >;
  /** What computes prompts; "none": what computes everything else. */
  readonly resolved: CandidateName | "none";
  /** The backend that computes everything else. */
  readonly fallback: string;
  /** Why, the most important first. */
  readonly reasons: readonly PlanReason[];
  readonly candidates: readonly CandidateReport[];
  /** What candidates are measured against. */
  readonly baseline?: { readonly name: string; readonly seconds: number } | undefined;
  /** Layers of the model and tokens that were measured. */
  readonly probed?: { readonly layers: number; readonly tokens: number } | undefined;
  readonly memory?: MemoryReport | undefined;
  /** "react-native 1.24.3" */
  readonly runtime: string;
  readonly device: string;
  /** When it was measured, as ISO 8601. */
  readonly measured?: string | undefined;
  /** Whether the measurements are those of an earlier load. */
  readonly remembered: boolean;
  /** Several lines for people. */
  toString(): string;
}

/** A failure as a reason. */
export function reasonOf(error: unknown): PlanReason {
  if (isMilletError(error)) return { code: error.code, message: error.message };
  return { message: error instanceof Error ? error.message : String(error) };
}
