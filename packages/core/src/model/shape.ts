/** Sizes of a model's steps and of its KV cache, from the caller's options. */
import type { GraphMakers, KvWish } from "../backend/serve.js";
import type { EmbedShape } from "../embed/shape.js";
import { MilletError } from "../errors.js";
import type { EngineShape } from "../generate/engine.js";
import { integer } from "../generate/resolve-options.js";
import type { StepLimits } from "../generate/step-plan.js";
import { KV_BLOCK_ROWS, KV_DTYPES, type KvDType } from "../graph/kv.js";
import type { ModelDefinition } from "../models/index.js";
import { decoderEmbedPlan, encoderPlan } from "./embed-plan.js";
import type { LoadModelOptions } from "./types.js";

/** Longest context unless the caller asks for more: memory grows with it. */
const DEFAULT_CONTEXT_LENGTH = 4096;
/** Most rows with logits in a prompt step; their memory is rows x vocabulary. */
const PROMPT_LOGITS = 16;
/** What a device sends of each token, 1.3 KB: top-k up to 128 and penalties over up to 64 tokens need no more. */
const SAMPLING = { candidates: 128, history: 64 };
/** Half of the memory, at a cost that is hard to measure (docs/kv-cache.md). */
const DECODER_KV: readonly KvDType[] = ["f16", "f32"];
/** Nothing is kept that would be worth it. */
const ENCODER_KV: readonly KvDType[] = ["f32"];
const MAX_SEQUENCES = 64;
const MAX_CHUNK_TOKENS = 4096;

export interface ModelShape {
  readonly engine: EngineShape;
  readonly embedding: EmbedShape;
  readonly kv: KvWish;
  /** Blocks of the cache without which the model is of no use. */
  readonly leastBlocks: number;
  /** With sampling, and without for backends that lack it. */
  readonly graphs: readonly GraphMakers[];
}

/** @throws MilletError INVALID_ARGUMENT naming the option that is out of range */
export function modelShape(definition: ModelDefinition, options: LoadModelOptions): ModelShape {
  const trained = definition.contextLength;
  const contextLength = integer(
    "contextLength",
    options.contextLength ?? Math.min(trained, DEFAULT_CONTEXT_LENGTH),
    2,
  );
  if (contextLength > trained) throw beyondTraining(contextLength, trained);
  return definition.kind === "encoder"
    ? encoderShape(definition, contextLength, options)
    : decoderShape(definition, contextLength, options);
}

/** One piece of work at a time, which may have many texts. Its cache lasts for a step. */
function encoderShape(
  definition: ModelDefinition,
  contextLength: number,
  options: LoadModelOptions,
): ModelShape {
  const { shape, graphs } = encoderPlan(definition, contextLength);
  return {
    engine: { contextLength, maxSequences: 1, hidden: definition.hidden, generation: undefined },
    embedding: shape,
    kv: kvWish(definition, shape.blocks, options, ENCODER_KV),
    leastBlocks: shape.blocks,
    graphs: [graphs],
  };
}

function decoderShape(
  definition: ModelDefinition,
  contextLength: number,
  options: LoadModelOptions,
): ModelShape {
  const sequences = integer("maxSequences", options.maxSequences ?? 4, 1, MAX_SEQUENCES);
  const chunk = integer("promptChunkTokens", options.promptChunkTokens ?? 128, 1, MAX_CHUNK_TOKENS);
  const blocksPerSequence = Math.ceil(contextLength / KV_BLOCK_ROWS);
  const capacity = options.kvCapacityTokens ?? blocksPerSequence * KV_BLOCK_ROWS * sequences;
  const maxBlocks = Math.ceil(integer("kvCapacityTokens", capacity, contextLength) / KV_BLOCK_ROWS);
  const decode: StepLimits = { tokens: sequences, logits: sequences, sequences };
  // A chunk holds at least one row of every sequence, so that decoding can ride along.
  const tokens = Math.max(chunk, sequences);
  const prompt: StepLimits = {
    tokens,
    logits: Math.min(tokens, Math.max(PROMPT_LOGITS, sequences)),
    sequences,
  };
  const context = { blocksPerSequence, contextTokens: contextLength };
  const embedding = decoderEmbedPlan(definition, contextLength, tokens);
  const graphs = (sampling?: typeof SAMPLING): GraphMakers => ({
    decode: () => definition.step({ name: "decode", ...decode, ...context, sampling }),
    prompt: () => definition.step({ name: "prompt", ...prompt, ...context, sampling }),
    ...embedding.graphs,
  });
  const generation = { decode, prompt, blocksPerSequence };
  return {
    engine: { contextLength, maxSequences: sequences, hidden: definition.hidden, generation },
    embedding: embedding.shape,
    kv: kvWish(definition, maxBlocks, options, DECODER_KV),
    leastBlocks: blocksPerSequence,
    graphs: [graphs(SAMPLING), graphs()],
  };
}

function kvWish(
  definition: ModelDefinition,
  maxBlocks: number,
  { kvDType }: LoadModelOptions,
  usual: readonly KvDType[],
): KvWish {
  if (kvDType !== undefined && !KV_DTYPES.includes(kvDType)) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `Option kvDType is one of ${KV_DTYPES.join(", ")}, not ${JSON.stringify(kvDType)}.`,
    );
  }
  const dtypes = kvDType === undefined ? usual : [kvDType];
  return { ...definition.kv, dtypes, blockRows: KV_BLOCK_ROWS, maxBlocks };
}

function beyondTraining(asked: number, trained: number): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    `Option contextLength is ${asked}; the model was trained for ${trained} tokens and makes no sense beyond.`,
    { details: { trainedTokens: trained } },
  );
}
