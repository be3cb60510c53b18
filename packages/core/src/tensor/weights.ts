/**
 * Weights as a backend sees them: named, described, and read lazily by byte range.
 * Where the bytes come from (a GGUF file, a URL, memory) is the business of formats/ and store/.
 */
import type { KnownOrigin } from "./byte-source.js";
import type { TensorSpec } from "./tensor.js";

/** One tensor's bytes, in the layout that its dtype prescribes. Reads may overlap and run concurrently. */
export interface WeightSource {
  readonly spec: TensorSpec;
  /**
   * The file that holds the tensor, and where in it; absent for bytes from no place that can be named. `made` says what
   * becomes of the bytes there, where they are not taken as they are.
   */
  readonly place?:
    | { readonly file: KnownOrigin; readonly offset: number; readonly made?: string }
    | undefined;
  /**
   * Fills `target` with the tensor's bytes from `offset` on. `target` may lie in a SharedArrayBuffer.
   * @throws MilletError SOURCE_* if the bytes cannot be had, ABORTED if `signal` fires
   */
  readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void>;
}

/**
 * Weights by the names that a model's graphs use. They iterate as the file lists them, which is the order of their
 * bytes: who reads them in this order reads a remote file forward, as a stream.
 */
export type WeightSources = ReadonlyMap<string, WeightSource>;
