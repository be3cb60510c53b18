/** What `millet inspect` finds in a model's header: plain data, nothing computed from the weights. */
import type { ModelFile } from "@millet/core/formats";
import { availableBytes } from "./machine.js";

/** Tensors of one type together. */
export interface TypeShare {
  readonly type: string;
  readonly tensors: number;
  readonly parameters: number;
  /** Undefined if GGML's list does not say how large the type is. */
  readonly byteLength: number | undefined;
  /** Whether Millet computes with the type. */
  readonly isSupported: boolean;
}

/** Memory that running the model takes, and what there is. */
export interface Fit {
  readonly weightBytes: number;
  readonly contextLength: number;
  /** 32-bit K and V of the whole context; undefined if the header does not tell. */
  readonly kvBytes: number | undefined;
  readonly freeBytes: number;
  readonly fits: boolean;
}

export function shareByType(file: ModelFile): TypeShare[] {
  const shares = new Map<string, TypeShare>();
  for (const { type, shape, byteLength } of file.tensors.values()) {
    const share = shares.get(type.name);
    shares.set(type.name, {
      type: type.name,
      tensors: (share?.tensors ?? 0) + 1,
      parameters: (share?.parameters ?? 0) + shape.reduce((product, size) => product * size, 1),
      byteLength: byteLength === undefined ? undefined : (share?.byteLength ?? 0) + byteLength,
      isSupported: type.dtype !== undefined,
    });
  }
  return [...shares.values()].sort((a, b) => b.parameters - a.parameters);
}

/** As loadModel takes it if it is not told otherwise. */
const MAX_DEFAULT_CONTEXT = 4096;
const KV_BYTES_PER_ELEMENT = 4;

/** An estimate from the header; undefined for a file without tensors. */
export function estimateFit(file: ModelFile): Fit | undefined {
  if (file.tensors.size === 0) return undefined;
  const weightBytes = [...file.tensors.values()].reduce((sum, { byteLength }) => sum + (byteLength ?? 0), 0);
  const contextLength = Math.min(
    hyperparameter(file, "context_length") ?? MAX_DEFAULT_CONTEXT,
    MAX_DEFAULT_CONTEXT,
  );
  const kvElements = kvElementsPerToken(file);
  const kvBytes = kvElements === undefined ? undefined : kvElements * KV_BYTES_PER_ELEMENT * contextLength;
  const freeBytes = availableBytes();
  return { weightBytes, contextLength, kvBytes, freeBytes, fits: weightBytes + (kvBytes ?? 0) < freeBytes };
}

function kvElementsPerToken(file: ModelFile): number | undefined {
  const layers = hyperparameter(file, "block_count");
  const heads = hyperparameter(file, "attention.head_count");
  const hidden = hyperparameter(file, "embedding_length");
  if (layers === undefined || heads === undefined || heads === 0 || hidden === undefined) return undefined;
  const kvHeads = hyperparameter(file, "attention.head_count_kv") ?? heads;
  const keyLength = hyperparameter(file, "attention.key_length") ?? hidden / heads;
  const valueLength = hyperparameter(file, "attention.value_length") ?? hidden / heads;
  return layers * kvHeads * (keyLength + valueLength);
}

export function architectureOf({ metadata }: ModelFile): string | undefined {
  const name = metadata.get("general.architecture");
  return typeof name === "string" ? name : undefined;
}

/** `<architecture>.<name>` where it is a number. */
function hyperparameter(file: ModelFile, name: string): number | undefined {
  const value = file.metadata.get(`${architectureOf(file)}.${name}`);
  return typeof value === "number" ? value : undefined;
}
