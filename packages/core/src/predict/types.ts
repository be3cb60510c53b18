/** What canRun is asked and what it answers. Types only. */
import type { BackendFactory, Capabilities } from "../backend/backend.js";
import type { MilletError } from "../errors.js";
import type { LoadModelOptions, ModelInfo } from "../model/types.js";

export interface CanRunOptions
  extends Pick<
    LoadModelOptions,
    | "contextLength"
    | "maxSequences"
    | "promptChunkTokens"
    | "kvCapacityTokens"
    | "kvDType"
    | "quantize"
    | "hub"
    | "network"
    | "store"
    | "signal"
    | "fetch"
    | "headers"
  > {
  /** The backends to ask, one or several; each is answered for. */
  readonly backend: BackendFactory | readonly BackendFactory[];
  /** Tokens of the prompt that speeds and memory are predicted for. Default 256. */
  readonly promptTokens?: number | undefined;
  /** Tokens of the answer. Default 64. */
  readonly generatedTokens?: number | undefined;
  /** Conversations that the cache holds at once, for memory. Default 1. */
  readonly conversations?: number | undefined;
  /**
   * Bytes that the model may take. Default: what the system says is free, in Node; in a browser half of what it says the
   * device has, if it says so.
   */
  readonly memoryBytes?: number | undefined;
  /** false: predict memory and whether it fits, and measure nothing. Default true. */
  readonly measure?: boolean | undefined;
}

/** A number with the range that it is expected in. */
export interface Prediction {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Bytes, by the backend's own plan. */
export interface MemoryPrediction {
  /** Packed weights. */
  readonly weightBytes: number;
  /** KV cache of the conversations, with the prompt and answer that was asked for. */
  readonly kvBytes: number;
  /** The same with its context full. */
  readonly fullKvBytes: number;
  readonly scratchBytes: number;
  /** Code, header and tokenizer on the host. */
  readonly hostBytes: number;
  /** All but `fullKvBytes`: what the process grows by, where the backend computes in its memory. */
  readonly peakBytes: number;
}

/**
 * "runs well", "slow": slower than people read, or a long wait for the first word. "does not fit": in memory. "unavailable":
 * the backend cannot run here, or not this model.
 */
export type Verdict = "runs well" | "slow" | "does not fit" | "unavailable";

export interface BackendPrediction {
  readonly name: string;
  readonly verdict: Verdict;
  /** One or two sentences for people, with the numbers that decided. */
  readonly reason: string;
  readonly capabilities?: Capabilities | undefined;
  readonly memory?: MemoryPrediction | undefined;
  /** Milliseconds, without a download. The four below are there if it was measured. */
  readonly loadMs?: Prediction | undefined;
  readonly prefillTokensPerSecond?: Prediction | undefined;
  readonly decodeTokensPerSecond?: Prediction | undefined;
  /** What the micro-benchmark took. */
  readonly measuredMs?: number | undefined;
  /** Why it is unavailable. */
  readonly error?: MilletError | undefined;
}

export interface CanRunReport {
  readonly info: ModelInfo;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Bytes that were held to be free; undefined if nothing says. */
  readonly memoryBytes: number | undefined;
  /** In the order of the backends given. */
  readonly backends: readonly BackendPrediction[];
}
