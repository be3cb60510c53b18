/**
 * What an emitted graph asks of JavaScript in every call besides the graph's own inputs: rows of embeddings, tables of
 * rotations, masks, and cached keys and values. These are index work, which runtimes for dense tensors do badly or not at all.
 */
import type { RopeAttrs } from "@millet/core/ops";

/** Rows of an embedding, scaled: f32[tokens, hidden] under `name`. */
export interface EmbeddingFeed {
  readonly name: string;
  readonly weight: string;
  /** The graph's input that holds the ids. */
  readonly tokens: string;
  readonly scale: number;
}

/** Cosines and sines, f32[rows, pairs] each, with the magnitude in them. */
export interface RotationFeed {
  /** Whether the rows are the call's tokens or, for GroupQueryAttention, those of the cache: row i is of position i. */
  readonly rows: "tokens" | "cache";
  readonly cos: string;
  readonly sin: string;
  readonly rope: RopeAttrs;
  readonly positions: string;
}

/** What is added to scores: f32[tokens, past + tokens], 0 where a key is visible. */
export interface MaskFeed {
  readonly name: string;
  readonly causal: boolean;
  readonly window: number | undefined;
}

/** The cache of one layer: f32[past, columns] go in, f32[tokens, columns] come out. */
export interface CacheFeed {
  readonly layer: number;
  readonly pastKeys: string;
  readonly pastValues: string;
  readonly newKeys: string;
  readonly newValues: string;
}

/**
 * The cache of one layer under GroupQueryAttention: f32[1, kvHeads, capacity, headDim]. Present ones are the same memory as
 * past ones, passed as an output too: the operator writes the new rows and nothing else.
 */
export interface GroupedCacheFeed {
  readonly layer: number;
  readonly pastKeys: string;
  readonly pastValues: string;
  readonly presentKeys: string;
  readonly presentValues: string;
  readonly window: number | undefined;
}

/** How much of the cache counts once the call's rows are in it: int32[1] each. */
export interface LengthFeed {
  /** Cached rows and those of the call, padding included. */
  readonly total: string;
  /** The same less one. */
  readonly last: string;
}

/** Inputs of attention by which the rows of the cache are found; the same for all layers. */
export interface CacheIndices {
  readonly positions: string;
  readonly sequences: string;
  readonly writeRows: string;
  readonly blockTable: string;
  readonly lengths: string;
}

export interface Feeds {
  readonly embeddings: readonly EmbeddingFeed[];
  readonly rotations: readonly RotationFeed[];
  readonly masks: readonly MaskFeed[];
  readonly caches: readonly CacheFeed[];
  readonly grouped: readonly GroupedCacheFeed[];
  /** There if any layer is grouped. */
  readonly length: LengthFeed | undefined;
  readonly indices: CacheIndices | undefined;
  /** The graph's own inputs that the ONNX graph takes as they are, by name, with their element types. */
  readonly direct: Readonly<Record<string, "float32" | "int32">>;
}
