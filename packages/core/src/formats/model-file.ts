/**
 * What every container gives of a model: metadata by GGUF's keys, weights by GGUF's names, whatever the files themselves
 * call them. Types only. What the metadata mean is the business of models/ and tokenizer/.
 */
import type { DType } from "../tensor/dtype.js";
import type { WeightSources } from "../tensor/weights.js";
import type { FileIdentity } from "./identity.js";

/**
 * Where a model's files come from. Values differ by it in one way only: GGUF permutes the rows of q and k of Llama-like
 * models for interleaved RoPE; Hugging Face's files pair halves.
 */
export type ModelContainer = "gguf" | "huggingface";

/** One tensor, as it is given to backends. */
export interface ModelTensor {
  /** `dtype` is undefined for a type that Millet cannot compute with. */
  readonly type: { readonly name: string; readonly dtype: DType | undefined };
  /** Row-major, fastest last. */
  readonly shape: readonly number[];
  /** Undefined if the size of the type is unknown. */
  readonly byteLength: number | undefined;
}

export interface ModelFile {
  readonly container: ModelContainer;
  /** Of the file, or of the folder. */
  readonly name: string;
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly tensors: ReadonlyMap<string, ModelTensor>;
  /** By name, read lazily. `get` throws for a tensor of a type that Millet cannot compute with. */
  readonly weights: WeightSources;
  /** Bytes of all files together. */
  readonly byteLength: number;
  /** Tells these files from others, later. */
  readonly identity: readonly FileIdentity[];
  /** Closes all files. */
  close(): Promise<void>;
}
