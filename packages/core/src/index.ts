/** @millet/core: the public face. Importing it has no side effect. */

export type { BackendFactory, Capabilities, Estimate, PackedFileReport } from "./backend/backend.js";
export { reference } from "./backend/reference/reference.js";
export type { RejectedBackend } from "./backend/serve.js";
export {
  type AnswerDelta,
  type AnswerParser,
  type CallFamily,
  type ChatFormat,
  detectChatFormat,
  type ParsedAnswer,
  type ParsedToolCall,
  type ParseOptions,
} from "./chat/format/index.js";
export type { ChatMessage, TemplateOptions, ToolCall, ToolDefinition } from "./chat/messages.js";
export type { Chat, ChatOptions } from "./chat/session-types.js";
export {
  type ChatTemplate,
  createChatTemplate,
  encodeChat,
  type TemplateInput,
  type TemplateMessage,
} from "./chat/template.js";
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
export {
  createTokenizer,
  type DecodeOptions,
  type EncodeOptions,
  ggufTokenizer,
  type HuggingFaceTokenizerFiles,
  huggingFaceTokenizer,
  type StreamDecoder,
  type TextSegment,
  type Tokenizer,
  type TokenizerDescription,
  type TokenizerKind,
  type TokenKind,
} from "./tokenizer/index.js";
