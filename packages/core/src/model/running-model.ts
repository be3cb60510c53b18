/** A loaded model at work: turns prompts into tokens, runs the engine, and takes everything down again. */
import type { ChatRenderer } from "../chat/render-chat.js";
import { ChatSession, checkedMessage } from "../chat/session.js";
import type { Chat, ChatMessage, ChatOptions } from "../chat/session-types.js";
import { MilletError } from "../errors.js";
import { ASYNC_DISPOSE } from "../generate/dispose-symbol.js";
import type { Engine } from "../generate/engine.js";
import type { GenerateOptions, PromptOptions } from "../generate/options.js";
import { mergeOptions, resolveOptions } from "../generate/resolve-options.js";
import type { GenerationStream, RenderedPrompt, ScoreResult } from "../generate/result.js";
import { startGeneration } from "../generate/stream.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { ServedModel } from "./served-model.js";
import type { BackendReport, Model, ModelDefaults, ModelInfo, Prompt, ScoreOptions } from "./types.js";

/** What loadModel put together. */
export interface ModelParts {
  readonly info: ModelInfo;
  readonly served: ServedModel;
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  /** Renders a conversation as a prompt for the answer; undefined if the file has no template. */
  readonly renderChat: ChatRenderer | undefined;
  readonly defaults: ModelDefaults;
  readonly loadMs: number;
}

export class RunningModel implements Model {
  readonly info: ModelInfo;
  readonly contextLength: number;
  readonly loadMs: number;
  readonly tokenizer: Tokenizer;
  readonly defaults: ModelDefaults;
  readonly #parts: ModelParts;
  #disposal: Promise<void> | undefined;

  constructor(parts: ModelParts) {
    this.#parts = parts;
    this.info = parts.info;
    this.contextLength = parts.engine.contextLength;
    this.loadMs = parts.loadMs;
    this.tokenizer = parts.tokenizer;
    this.defaults = parts.defaults;
  }

  get backend(): BackendReport {
    return this.#parts.served.report;
  }

  get hasChatTemplate(): boolean {
    return this.#parts.renderChat !== undefined;
  }

  generate(prompt: Prompt, options: PromptOptions = {}): GenerationStream {
    return this.#start(() => this.#promptOf(prompt, options), options);
  }

  createChat(options: ChatOptions = {}): Chat {
    this.#requireAlive();
    const host = {
      contextLength: this.contextLength,
      render: this.#requireTemplate(),
      generate: (prompt: () => RenderedPrompt, given: GenerateOptions, owner: object) =>
        this.#start(prompt, given, owner),
      forget: (owner: object) => this.#parts.engine.forget(owner),
    };
    return new ChatSession(host, options);
  }

  async score(text: string | readonly number[], options: ScoreOptions = {}): Promise<ScoreResult> {
    this.#requireAlive();
    const { tokenIds } = this.#promptOf(text, options);
    return this.#parts.engine.score(tokenIds, options.firstScored ?? 1, options.signal);
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

  #start(prompt: () => RenderedPrompt, given: GenerateOptions, owner?: object): GenerationStream {
    this.#requireAlive();
    const { engine, tokenizer, defaults } = this.#parts;
    const { vocabularySize } = this.info;
    const { endOfGenerationIds } = tokenizer;
    const options = resolveOptions(
      { vocabularySize, endOfGenerationIds },
      mergeOptions(defaults.generation ?? {}, given),
    );
    const decoder = tokenizer.createDecoder({ skipSpecial: true, atStart: false });
    return startGeneration(
      async (emit, signal) => engine.generate({ prompt: prompt(), options, decoder }, emit, signal, owner),
      given.signal,
    );
  }

  #promptOf(prompt: Prompt, { parseSpecial, addBos }: PromptOptions): RenderedPrompt {
    if (typeof prompt === "string") {
      const options = {
        addEos: false,
        ...(parseSpecial !== undefined && { parseSpecial }),
        ...(addBos !== undefined && { addBos }),
      };
      return { text: prompt, tokenIds: this.tokenizer.encode(prompt, options) };
    }
    if (isMessages(prompt)) return this.#requireTemplate()(prompt.map(checkedMessage));
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

  #requireAlive(): void {
    if (this.#disposal) throw new MilletError("DISPOSED", "The model was disposed. Load it again.");
  }
}

function isMessages(prompt: readonly number[] | readonly ChatMessage[]): prompt is readonly ChatMessage[] {
  return typeof prompt[0] === "object";
}
