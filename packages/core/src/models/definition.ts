/**
 * What a model architecture provides: a checked configuration and the graph of one step.
 * Where the configuration and the weights come from (GGUF, Hugging Face files) is decided by the formats.
 */

import type { ModelContainer } from "../formats/index.js";
import type { Graph } from "../graph/graph.js";
import type { KvPlan } from "../graph/kv.js";
import type { WeightSources } from "../tensor/weights.js";

/** What an architecture reads: metadata by GGUF's keys and weights by GGUF's names. */
export interface ModelFiles {
  readonly metadata: ReadonlyMap<string, unknown>;
  readonly weights: WeightSources;
  /**
   * What the weights were written for, which names do not tell: rows of q and k of llama-type models pair their elements
   * as (2i, 2i + 1) for RoPE in GGUF and as (i, i + half) in Hugging Face files.
   */
  readonly container: ModelContainer;
}

/** Sizes of a step's graph. All are maxima except `sequences` and `blocksPerSequence`. */
export interface StepShape {
  readonly name: string;
  /** Rows of tokens, T. */
  readonly tokens: number;
  /** Rows of logits, R. */
  readonly logits: number;
  /** Rows of the block table, S. */
  readonly sequences: number;
  /** Columns of the block table, B. */
  readonly blocksPerSequence: number;
  /** Places for candidates and for the history, K and H, of a step that samples. */
  readonly sampling?: { readonly candidates: number; readonly history: number } | undefined;
  /** What enters; see ModelDefinition.step. Default tokens. */
  readonly input?: "tokens" | "embeddings" | undefined;
  /** What comes out of the wanted rows; see ModelDefinition.step. Default logits alone. */
  readonly outputs?: readonly ("logits" | "hidden" | "residual")[] | undefined;
  /** Most tokens of a sequence. Default: what B blocks hold. Models with LongRoPE choose their factors by it. */
  readonly contextTokens?: number | undefined;
}

/** A model ready to be compiled. */
export interface ModelDefinition {
  readonly architecture: string;
  /**
   * A decoder continues a text. In an encoder, each token sees the whole text, which must be in one step; it has hidden
   * states only, no logits.
   */
  readonly kind: "decoder" | "encoder";
  readonly vocabularySize: number;
  readonly hidden: number;
  /** Tokens that the model was trained to attend over. */
  readonly contextLength: number;
  /** Shape of a row of the KV cache. */
  readonly kv: Pick<KvPlan, "layers" | "kvHeads" | "headDim" | "valueDim">;
  /** Total number of weights' elements. */
  readonly parameterCount: number;
  /** What the graphs' weights are read from: those of the files, fused tensors as views of their parts. */
  readonly weights: WeightSources;
  /**
   * The graph of one step. Inputs: tokens, positions, sequences, writeRows i32[T] by tokens, blockTable i32[S, B],
   * lengths i32[S], logitRows i32[R] by logits; encoders with types of text: tokenTypes i32[T]. Output: logits
   * f32[R, vocabulary]. A step that samples has besides the inputs history i32[R, H] and settings f32[R, 9] and the outputs
   * token i32[R], history and candidates of op `sample`.
   *
   * With input "embeddings", f32[T, hidden] takes the place of tokens: rows as they enter the first layer, which is after
   * the model's own scaling. With "hidden" among the outputs, there is hidden f32[R, hidden]: the wanted rows after the
   * final norm (where there is one), which is what the output matrix is multiplied with. With "residual", there is
   * residual f32[R, hidden], those rows before that norm.
   */
  step(shape: StepShape): Graph;
  /** Models with a layer of multi-token prediction. */
  readonly mtp?: MtpDefinition | undefined;
}

/** A layer that predicts the token after next, to draft tokens with; it shares embedding, output matrix and KV cache. */
export interface MtpDefinition {
  /** That of the decoder with one layer more, in which MTP keeps its keys and values. */
  readonly kv: ModelDefinition["kv"];
  /**
   * The graph of one MTP step. Inputs: those of ModelDefinition.step and hidden f32[T, hidden] by tokens. Row t has the
   * decoder's state of a position before its final norm (its output "residual"; or the output "hidden" of the MTP step
   * before, to draft further), the token that follows it, and that position in `positions` and `writeRows`. Outputs as
   * those of ModelDefinition.step: logits of the token after that one; hidden states after the layer's own final norm.
   */
  step(shape: StepShape): Graph;
}

/** An architecture by the name that files use. */
export interface Architecture {
  /** `general.architecture` in GGUF. */
  readonly name: string;
  /**
   * Reads and checks the configuration; may read small weights (RoPE factors).
   * @throws MilletError MODEL_BAD_CONFIG, MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE, MODEL_TENSOR_DTYPE
   */
  define(files: ModelFiles): Promise<ModelDefinition>;
}
