/** Sizes of a model's steps and of its KV cache, from the caller's options. */
import type { GraphSet } from "../backend/backend.js";
import { MilletError } from "../errors.js";
import type { EngineShape } from "../generate/engine.js";
import { integer } from "../generate/resolve-options.js";
import type { StepLimits } from "../generate/step-plan.js";
import { KV_BLOCK_ROWS, KV_DTYPES, type KvDType, type KvPlan } from "../graph/kv.js";
import type { ModelDefinition } from "../models/index.js";
import type { LoadModelOptions } from "./types.js";

/** Longest context unless the caller asks for more: memory grows with it. */
const DEFAULT_CONTEXT_LENGTH = 4096;
/** Most rows with logits in a prompt step; their memory is rows x vocabulary. */
const PROMPT_LOGITS = 32;
/** What a device sends of each token, 1.3 KB: top-k up to 128 and penalties over up to 64 tokens need no more. */
const SAMPLING = { candidates: 128, history: 64 };
const MAX_SEQUENCES = 64;
const MAX_CHUNK_TOKENS = 4096;

export interface ModelShape {
  readonly engine: EngineShape;
  readonly kv: KvPlan;
  /** With sampling, and without for backends that lack it. */
  readonly graphs: readonly GraphSet[];
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
  const graphs = (sampling?: typeof SAMPLING): GraphSet => ({
    decode: definition.step({ name: "decode", ...decode, ...context, sampling }),
    prompt: definition.step({ name: "prompt", ...prompt, ...context, sampling }),
  });
  return {
    engine: { decode, prompt, blocksPerSequence, contextLength },
    kv: { ...definition.kv, dtype: kvDType(options.kvDType), blockRows: KV_BLOCK_ROWS, maxBlocks },
    graphs: [graphs(SAMPLING), graphs()],
  };
}

function kvDType(asked: KvDType = "f32"): KvDType {
  if (KV_DTYPES.includes(asked)) return asked;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Option kvDType is one of ${KV_DTYPES.join(", ")}, not ${JSON.stringify(asked)}.`,
  );
}

function beyondTraining(asked: number, trained: number): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    `Option contextLength is ${asked}; the model was trained for ${trained} tokens and makes no sense beyond.`,
  );
}
