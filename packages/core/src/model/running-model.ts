/** A loaded model at work: turns prompts into tokens, runs the engine, and takes everything down again. */
import { createAnswerDecoder } from "../chat/answer-decoder.js";
import { checkedMessage, checkedTemplateOptions } from "../chat/check-messages.js";
import type { ChatFormat } from "../chat/format/index.js";
import type { ChatMessage } from "../chat/messages.js";
import type { ModelChat } from "../chat/model-chat.js";
import type { ChatRenderer } from "../chat/render-chat.js";
import { ChatSession } from "../chat/session.js";
import type { Chat, ChatOptions } from "../chat/session-types.js";
import { embedTexts } from "../embed/embed.js";
import type { EmbedShape } from "../embed/shape.js";
import { MilletError } from "../errors.js";
import { ASYNC_DISPOSE } from "../generate/dispose-symbol.js";
import type { Engine } from "../generate/engine.js";
import type { GenerateOptions } from "../generate/options.js";
import { mergeOptions, resolveOptions } from "../generate/resolve-options.js";
import type { GenerationStream, RenderedPrompt, ScoreResult } from "../generate/result.js";
import { notGenerative } from "../generate/sites.js";
import { startGeneration } from "../generate/stream.js";
import type { Tokenizer } from "../tokenizer/index.js";
import { embedRequest } from "./embed-request.js";
import type { ServedModel } from "./served-model.js";
import type {
  BackendReport,
  EmbedOptions,
  Model,
  ModelDefaults,
  ModelInfo,
  Prompt,
  PromptOptions,
  ScoreOptions,
} from "./types.js";

/** What loadModel put together. */
export interface ModelParts extends ModelChat {
  readonly info: ModelInfo;
  readonly served: ServedModel;
  readonly engine: Engine;
  readonly embedding: EmbedShape;
  readonly tokenizer: Tokenizer;
  readonly defaults: ModelDefaults;
  readonly loadMs: number;
  readonly notes: readonly string[];
}

export class RunningModel implements Model {
  readonly info: ModelInfo;
  readonly contextLength: number;
  readonly loadMs: number;
  readonly notes: readonly string[];
  readonly tokenizer: Tokenizer;
  readonly defaults: ModelDefaults;
  readonly chatFormat: ChatFormat;
  readonly #parts: ModelParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.contextLength = parts.engine.contextLength;
    this.loadMs = parts.loadMs;
    this.notes = parts.notes;
    this.tokenizer = parts.tokenizer;
    this.defaults = parts.defaults;
    this.chatFormat = parts.chatFormat;
  }

  get backend(): BackendReport {
    return this.#parts.served.report;
  }

  get hasChatTemplate(): boolean {
    return this.#parts.renderChat !== undefined;
  }

  generate(prompt: Prompt, options: PromptOptions = {}): GenerationStream {
    const keepsMarkers = options.tools !== undefined && options.tools.length > 0;
    return this.#start(() => this.#promptOf(prompt, options), options, undefined, keepsMarkers);
  }

  createChat(options: ChatOptions = {}): Chat {
    this.#requireGenerative();
    const host = {
      contextLength: this.contextLength,
      format: this.chatFormat,
      render: this.#requireTemplate(),
      generate: (
        prompt: () => RenderedPrompt,
        given: GenerateOptions,
        owner: object,
        keepsMarkers: boolean,
      ) => this.#start(prompt, given, owner, keepsMarkers),
      forget: (owner: object) => this.#parts.engine.forget(owner),
    };
    return new ChatSession(host, options);
  }

  async score(text: string | readonly number[], options: ScoreOptions = {}): Promise<ScoreResult> {
    this.#requireGenerative();
    const { tokenIds } = this.#promptOf(text, options);
    return this.#parts.engine.score(tokenIds, options.firstScored ?? 1, options.signal);
  }

  async embed(
    texts: readonly (string | readonly number[])[],
    options: EmbedOptions = {},
  ): Promise<Float32Array[]> {
    this.#requireAlive();
    const { engine, embedding } = this.#parts;
    const job = embedRequest(this, texts, options);
    const { vectors } = job;
    await engine.run(
      (site, stop) => embedTexts(site, embedding, job, stop),
      () => vectors.size,
      options.signal,
    );
    return job.texts.map((_, index) => vectors.get(index)!);
  }

  dispose(): Promise<void> {
    this.#disposal ??= this.#takeDown();
    return this.#disposal;
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.dispose();
  }

  async #takeDown(): Promise<void> {
    const { engine, served } = this.#parts;
    await engine.dispose();
    await served.dispose();
  }

  #start(
    prompt: () => RenderedPrompt,
    given: GenerateOptions,
    owner?: object,
    keepsMarkers = false,
  ): GenerationStream {
    this.#requireGenerative();
    const { engine, tokenizer, defaults } = this.#parts;
    const { vocabularySize } = this.info;
    const { endOfGenerationIds } = tokenizer;
    const options = resolveOptions(
      { vocabularySize, endOfGenerationIds },
      mergeOptions(defaults.generation ?? {}, given),
    );
    const markers = keepsMarkers ? this.chatFormat.markers : [];
    const decoder = createAnswerDecoder(tokenizer, markers);
    return startGeneration(
      async (emit, signal) => engine.generate({ prompt: prompt(), options, decoder }, emit, signal, owner),
      given.signal,
    );
  }

  #promptOf(prompt: Prompt, options: PromptOptions): RenderedPrompt {
    if (typeof prompt === "string") {
      const { parseSpecial, addBos } = options;
      const encoding = {
        addEos: false,
        ...(parseSpecial !== undefined && { parseSpecial }),
        ...(addBos !== undefined && { addBos }),
      };
      return { text: prompt, tokenIds: this.tokenizer.encode(prompt, encoding) };
    }
    if (isMessages(prompt))
      return this.#requireTemplate()(prompt.map(checkedMessage), checkedTemplateOptions(options));
    return { text: undefined, tokenIds: this.#checkedIds(prompt) };
  }

  #checkedIds(ids: readonly number[]): readonly number[] {
    const { vocabularySize } = this.info;
    const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
    if (bad === undefined) return [...ids];
    throw new MilletError(
      "INVALID_ARGUMENT",
      `Token id ${bad} is not in the model's vocabulary of ${vocabularySize}.`,
    );
  }

  #requireTemplate(): ChatRenderer {
    if (this.#parts.renderChat) return this.#parts.renderChat;
    throw new MilletError(
      "TEMPLATE_MISSING",
      "The model file carries no chat template, so it cannot chat. Use generate() with plain text.",
    );
  }

  /** @throws MilletError DISPOSED, MODEL_NOT_GENERATIVE */
  #requireGenerative(): void {
    this.#requireAlive();
    if (!this.info.canGenerate) throw notGenerative();
  }

  #requireAlive(): void {
    if (this.#disposal) throw new MilletError("DISPOSED", "The model was disposed. Load it again.");
  }
}

function isMessages(prompt: readonly number[] | readonly ChatMessage[]): prompt is readonly ChatMessage[] {
  return typeof prompt[0] === "object";
}
