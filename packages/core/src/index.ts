/**
 * @millet/core: the public face. Importing it has no side effect. What only some models need is not exported here but by
 * an entry point of its own (chat/, tokenizer/): loadModel imports it when a model needs it, and a page whose bundler sees
 * it here would fetch it always.
 */

export type { BackendFactory, Capabilities, Estimate, PackedFileReport } from "./backend/backend.js";
export { reference } from "./backend/reference/reference.js";
export type { RejectedBackend } from "./backend/serve.js";
export type {
  AnswerDelta,
  AnswerParser,
  CallFamily,
  ChatFormat,
  ParsedAnswer,
  ParsedToolCall,
  ParseOptions,
} from "./chat/format/index.js";
export type { ChatMessage, TemplateOptions, ToolCall, ToolDefinition } from "./chat/messages.js";
export type { Chat, ChatOptions } from "./chat/session-types.js";
export {
  ERROR_CODES,
  isMilletError,
  MilletError,
  type MilletErrorCode,
  type MilletErrorOptions,
} from "./errors.js";
export { QUANTIZE_CHOICES, type QuantizeChoice } from "./formats/index.js";
export type {
  AppliedSampling,
  GenerateOptions,
  SamplingOptions,
  TextPromptOptions,
} from "./generate/options.js";
export { DEFAULT_SAMPLING } from "./generate/options.js";
export type {
  FinishReason,
  GenerationChunk,
  GenerationResult,
  GenerationStream,
  GenerationTimings,
  RenderedPrompt,
  ScoreResult,
  TokenLogprob,
  TokenLogprobs,
} from "./generate/result.js";
export { KV_DTYPES, type KvDType } from "./graph/kv.js";
export type {
  BackendRecovery,
  BackendReport,
  EmbedOptions,
  LoadModelOptions,
  LoadModelProgress,
  Model,
  ModelDefaults,
  ModelInfo,
  ModelPackage,
  Prompt,
  PromptOptions,
  RecoveryProgress,
  ScoreOptions,
} from "./model/types.js";
export { loadModel } from "./model.js";
export { POOLINGS, type Pooling } from "./models/index.js";
export { canRun } from "./predict/can-run.js";
export type {
  BackendPrediction,
  CanRunOptions,
  CanRunReport,
  MemoryPrediction,
  Prediction,
  Verdict,
} from "./predict/types.js";
export {
  createStore,
  type DownloadProgress,
  type ModelSource,
  type NetworkUse,
  type PullOptions,
  type Store,
  type StoredFile,
  type StoreOptions,
  type VerifyReport,
} from "./store/index.js";
export type {
  DecodeOptions,
  EncodeOptions,
  StreamDecoder,
  TextSegment,
  Tokenizer,
  TokenizerDescription,
  TokenizerKind,
  TokenKind,
} from "./tokenizer/index.js";
