/** A loaded model, and how to load one, as callers see it. Types only. */
import type { BackendFactory, Capabilities, Estimate, PackedFileReport } from "../backend/backend.js";
import type { RejectedBackend } from "../backend/serve.js";
import type { ChatFormat } from "../chat/format/index.js";
import type { ChatMessage, TemplateOptions } from "../chat/messages.js";
import type { Chat, ChatOptions } from "../chat/session-types.js";
import type { MilletError } from "../errors.js";
import type { QuantizeChoice } from "../formats/index.js";
import type { GenerateOptions, TextPromptOptions } from "../generate/options.js";
import type { GenerationStream, ScoreResult } from "../generate/result.js";
import type { KvDType } from "../graph/kv.js";
import type { Pooling } from "../models/index.js";
import type { HubOptions, ModelFiles, NetworkUse, Store } from "../store/index.js";
import type { Tokenizer } from "../tokenizer/index.js";

/**
 * How far loading is. "open": finding the model. "download": bringing its files into the store, if they are not there.
 * "weights": reading and packing tensors. "ready": done.
 */
export interface LoadModelProgress {
  readonly phase: "open" | "download" | "weights" | "ready";
  /** Bytes of files that are stored, or of weights that were read so far; 0 while opening. */
  readonly loadedBytes: number;
  /** Bytes of files, or of weights to read; 0 while opening. */
  readonly totalBytes: number;
  /** The file that is being downloaded; with the phase "download" only, as what follows. */
  readonly file?: string | undefined;
  /** Over the last seconds; undefined at the beginning. */
  readonly bytesPerSecond?: number | undefined;
  readonly remainingMs?: number | undefined;
  /** Another process or tab downloads the file, and this one waits for it. */
  readonly isWaiting?: boolean | undefined;
}

/**
 * How far it is to load the model again after its backend was lost. Phases as while loading; "failed": given up, until
 * the next try. On "ready" running generations go on: they compute their tokens anew, then the next one.
 */
export interface RecoveryProgress extends Omit<LoadModelProgress, "phase"> {
  readonly phase: LoadModelProgress["phase"] | "failed";
  /** What made it necessary: BACKEND_LOST, or OUT_OF_MEMORY. */
  readonly reason: MilletError;
  /** Why it failed; with the phase "failed" only. */
  readonly error?: MilletError | undefined;
}

/** What a model's makers or packagers recommend. */
export interface ModelDefaults {
  /** System message of conversations that bring none. */
  readonly system?: string | undefined;
  readonly generation?: Omit<GenerateOptions, "signal"> | undefined;
}

/** The files of a model with what is recommended for it: what a model package exports. */
export interface ModelPackage extends ModelFiles {
  /** The model's name for people. Default: what the file says. */
  readonly name?: string | undefined;
  readonly defaults?: ModelDefaults | undefined;
}

export interface LoadModelOptions {
  /** One backend, or several in order of preference: the first that can hold the model serves. */
  readonly backend: BackendFactory | readonly BackendFactory[];
  /** Stops loading: `loadModel` then rejects with ABORTED and nothing stays behind. */
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: LoadModelProgress) => void) | undefined;
  /**
   * Told when the backend was lost and the model is loaded again, which goes on by itself: to show why an answer pauses.
   * What it throws becomes an unhandled rejection.
   */
  readonly onRecovery?: ((progress: RecoveryProgress) => void) | undefined;
  /** Most tokens of prompt and text together. Default: what the model was trained for, at most 4096. */
  readonly contextLength?: number | undefined;
  /** Most generations that run side by side; more wait for their turn. Default 4. */
  readonly maxSequences?: number | undefined;
  /** Prompt tokens computed at once. Default 128. */
  readonly promptChunkTokens?: number | undefined;
  /** Most tokens in the KV cache, all generations together. Memory is taken as needed. Default: room for all. */
  readonly kvCapacityTokens?: number | undefined;
  /**
   * How the KV cache keeps keys and values: "f16" takes half of the memory of "f32", "q8_0" about a quarter, and less to
   * read means faster tokens in a long context; docs/kv-cache.md has their cost in quality. Default "f16", "f32" where the
   * backend has nothing else, and for encoders. A backend that lacks the type asked for fails with KV_DTYPE_UNSUPPORTED.
   */
  readonly kvDType?: KvDType | undefined;
  /**
   * What the matrices of a Hugging Face folder become while they are read: "q8_0" keeps the model's quality at half of the
   * memory of BF16, "q4_0" takes a quarter and costs quality, "none" keeps the type of the files. GGUF files are as they
   * are. docs/hugging-face.md says which tensors are matrices. Default "q8_0".
   */
  readonly quantize?: QuantizeChoice | undefined;
  /** Defaults for every generation, before those of a model package, which go before those of the files. */
  readonly generation?: Omit<GenerateOptions, "signal"> | undefined;
  /** System message of conversations that bring none. Default: the model package's. null: leave it to the template. */
  readonly system?: string | null | undefined;
  /**
   * Keeps what comes from servers: see createStore. Default: one in the user's cache folder, or in the browser's storage,
   * where there is one; `Model.notes` says if not. false: files are read from the server, each time.
   */
  readonly store?: Store | false | undefined;
  /** "none": nothing but what is stored or local; "missing": asks for nothing that is stored. Default: the store's. */
  readonly network?: NetworkUse | undefined;
  /** For "hf:" sources: another endpoint, a token. Default: HF_ENDPOINT and HF_TOKEN of the environment. */
  readonly hub?: HubOptions | undefined;
  /** For sources that are URLs: replaces the global fetch. */
  readonly fetch?: typeof fetch | undefined;
  /** For sources that are URLs: sent with every request. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Facts about the model file. */
export interface ModelInfo {
  /** The model package's name, `general.name`, or the file's name. */
  readonly name: string;
  readonly architecture: string;
  readonly parameterCount: number;
  /** Bytes of the file, or of all shards. */
  readonly fileBytes: number;
  /** Bytes of the weights within. */
  readonly weightBytes: number;
  /**
   * Data types of the weights by their share of the parameters, the largest first: "q4_1 99.9%, f32 0.1%". Where they are
   * quantized while they are read, what they become.
   */
  readonly quantization: string;
  /** Tokens that the model was trained to attend over. */
  readonly trainedContextLength: number;
  readonly vocabularySize: number;
  /** False for encoders, which embed only. */
  readonly canGenerate: boolean;
  /** What `embed` gives: the length of a vector, and how it is made of hidden states unless a call says otherwise. */
  readonly embedding: { readonly dimensions: number; readonly pooling: Pooling };
}

/** One time that the model was loaded again because its backend was lost. */
export interface BackendRecovery {
  /** What made it necessary: BACKEND_LOST, or OUT_OF_MEMORY. */
  readonly reason: MilletError;
  /** Name of the backend that was lost. */
  readonly lostBackend: string;
  /** Name of the one that serves since then. */
  readonly backend: string;
  /** When the model was loaded again. */
  readonly time: Date;
  /** From the start of loading it again to its end. */
  readonly elapsedMs: number;
}

/** Which backend serves, and why the ones before it in the list do not. After a recovery it is another report. */
export interface BackendReport {
  readonly name: string;
  readonly capabilities: Capabilities;
  readonly estimate: Estimate;
  /** Bytes of packed weights. */
  readonly weightBytes: number;
  readonly rejected: readonly RejectedBackend[];
  /** Present if the backend was asked to keep packed weights in a file. */
  readonly packedFile?: PackedFileReport | undefined;
  /** How often the backend was lost and the model loaded again, the first time first. */
  readonly recoveries: readonly BackendRecovery[];
}

/** Text, token ids, or a conversation that the chat template renders. */
export type Prompt = string | readonly number[] | readonly ChatMessage[];

/** Options of `generate`: `parseSpecial` and `addBos` are for text, tools and template variables for conversations. */
export interface PromptOptions extends TextPromptOptions, TemplateOptions {}

export interface ScoreOptions {
  readonly signal?: AbortSignal | undefined;
  /** Index of the first token to score; the ones before it are context only. Default 1. */
  readonly firstScored?: number | undefined;
  readonly parseSpecial?: boolean | undefined;
  readonly addBos?: boolean | undefined;
}

export interface EmbedOptions {
  /**
   * How a text's hidden states become one vector: their "mean", the first token's ("cls"), the "last" token's. Default:
   * what the file says; without that, "mean" for encoders and "last" for decoders.
   */
  readonly pooling?: Pooling | undefined;
  /** To a Euclidean length of 1, so that a dot product is the cosine similarity. Default true. */
  readonly normalize?: boolean | undefined;
  /**
   * What to do about a text of more than `contextLength` tokens: fail, or embed its beginning, with the closing token that
   * its tokenizer adds. Default "error".
   */
  readonly onContextFull?: "error" | "truncate" | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly parseSpecial?: boolean | undefined;
}

/**
 * A loaded model. Generations run side by side and share it. When the backend is lost (a GPU that resets, a worker that
 * dies), the model is loaded again from its source and what runs goes on as if nothing had happened; see
 * docs/recovery.md for when that is not possible. An answer that ends for it has its text in the error's `details.text`
 * and `details.tokenIds`; the next call tries to load the model once more.
 */
export interface Model {
  readonly info: ModelInfo;
  /** What serves now; while the model is loaded again, what served before. */
  readonly backend: BackendReport;
  /** Most tokens of prompt and text together. */
  readonly contextLength: number;
  /** From the call of `loadModel` to its end. */
  readonly loadMs: number;
  /** What loading met that made nothing fail: why the files are not kept, or that their server could not be asked. */
  readonly notes: readonly string[];
  readonly tokenizer: Tokenizer;
  /** What applies where a call or a conversation does not say otherwise. */
  readonly defaults: ModelDefaults;
  /** Whether the file carries a chat template; `createChat` needs one. */
  readonly hasChatTemplate: boolean;
  /** How the model writes tool calls and thoughts into its answers, and how they are read. */
  readonly chatFormat: ChatFormat;
  /**
   * Continues a text, or answers a conversation.
   * @throws MilletError INVALID_ARGUMENT, DISPOSED, MODEL_NOT_GENERATIVE for an encoder; the stream fails with CONTEXT_FULL, TEMPLATE_MISSING,
   *   BACKEND_LOST and others
   */
  generate(prompt: Prompt, options?: PromptOptions): GenerationStream;
  /** @throws MilletError TEMPLATE_MISSING, DISPOSED */
  createChat(options?: ChatOptions): Chat;
  /**
   * Log-probability of each token of a text, for perplexity and evaluation. At least two tokens.
   * @throws MilletError INVALID_ARGUMENT, CONTEXT_FULL, ABORTED, DISPOSED, BACKEND_LOST and others
   */
  score(text: string | readonly number[], options?: ScoreOptions): Promise<ScoreResult>;
  /**
   * A vector for each text (or list of token ids), in their order. Encoders and decoders embed; texts are computed side by
   * side, and a text's vector does not depend on the others.
   * @throws MilletError INVALID_ARGUMENT, CONTEXT_FULL, ABORTED, DISPOSED, BACKEND_LOST and others
   */
  embed(texts: readonly (string | readonly number[])[], options?: EmbedOptions): Promise<Float32Array[]>;
  /** Stops what runs and frees weights, cache and backend. Disposing twice is fine. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
