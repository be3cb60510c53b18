/** What an app may choose of the CPU backend, and the defaults. */
import { MilletError } from "@millet/core/errors";
import { Fixed } from "../assembly/memory.js";

/** Time that one step of a program took, all threads together and with the cost of starting it alone. */
export interface StepTrace {
  /** Name of the graph: "decode". */
  readonly program: string;
  readonly index: number;
  /** Name of the kernel. */
  readonly kernel: string;
  /** The weight or value that the step serves. */
  readonly label: string;
  readonly elapsedMs: number;
}

export interface CpuOptions {
  /** "auto" takes the fastest engine that runs here: the native addon in Node where there is one, else WASM. */
  readonly engine?: "auto" | "wasm" | "native";
  /** Threads that compute; by default one per core, at most 8. One where memory cannot be shared. */
  readonly threads?: number;
  /**
   * Keeps the packed weights in a file, so that later loads map it (native engine) or read it (WASM) instead of reading
   * and packing the model: `true` beside the model, or in the user's cache folder where that cannot be or the model is
   * remote; a text is the folder to use. The file is as large as the model. Off by default; Node only.
   */
  readonly packedFiles?: boolean | string;
  /** Which SIMD build to use; results are the same. For tests. */
  readonly simd?: "auto" | "relaxed" | "plain";
  /** Whether threads share memory; "auto" shares where the platform allows it. For tests. */
  readonly memory?: "auto" | "shared" | "unshared";
  /** Instruction set of the native engine by name ("avx2") instead of the best one; results are the same. For tests. */
  readonly isa?: string;
  /**
   * Address of this package's worker.js on the page's own origin, for pages whose content security policy forbids
   * blob: workers. Node takes a file: URL and ignores other addresses.
   */
  readonly workerUrl?: string | URL;
  /** Runs step by step and reports the time of each: for profiles, slower as a whole. */
  readonly trace?: (step: StepTrace) => void;
}

const MOST_DEFAULT_THREADS = 8;

/** @throws MilletError INVALID_ARGUMENT if the number of threads makes no sense */
export function threadsOf({ threads }: CpuOptions): number {
  if (threads === undefined) return Math.min(MOST_DEFAULT_THREADS, availableThreads());
  if (Number.isInteger(threads) && threads >= 1 && threads <= Fixed.MaxThreads) return threads;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `cpu({ threads: ${threads} }): threads must be a whole number from 1 to ${Fixed.MaxThreads}.`,
  );
}

function availableThreads(): number {
  const os = globalThis.process?.getBuiltinModule?.("node:os");
  return os?.availableParallelism() ?? globalThis.navigator?.hardwareConcurrency ?? 1;
}
