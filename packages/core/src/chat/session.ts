/**
 * A conversation: history, rendering by a template, generation. It knows neither the template nor the model, only
 * two functions. What it computed stays in the KV cache, so a turn costs only what is new.
 */
import { MilletError } from "../errors.js";
import { ASYNC_DISPOSE } from "../generate/dispose-symbol.js";
import type { GenerateOptions } from "../generate/options.js";
import { mergeOptions } from "../generate/resolve-options.js";
import type { GenerationResult, GenerationStream, RenderedPrompt } from "../generate/result.js";
import { checkedMessage, checkedTemplateOptions } from "./check-messages.js";
import type { ChatFormat } from "./format/index.js";
import type { ChatMessage, TemplateOptions, ToolDefinition } from "./messages.js";
import type { Chat, ChatOptions } from "./session-types.js";

/** What a conversation needs of a model. */
export interface ChatHost {
  readonly contextLength: number;
  /** How answers are taken apart. */
  readonly format: Pick<ChatFormat, "parse">;
  /** A conversation as a prompt that asks for the assistant's answer. */
  render(messages: readonly ChatMessage[], options: TemplateOptions): RenderedPrompt;
  /**
   * Starts generating; a failure of `prompt` fails the stream.
   * @param keepsMarkers the text holds the marks of calls
   */
  generate(
    prompt: () => RenderedPrompt,
    options: GenerateOptions,
    owner: object,
    keepsMarkers: boolean,
  ): GenerationStream;
  /** Frees what the owner's last generation left in the KV cache. */
  forget(owner: object): void;
}

/** With "slide": a prompt longer than the first share of the context is cut, by whole turns, to the second. */
const SLIDE_ABOVE = 0.75;
const SLIDE_TO = 0.5;

export class ChatSession implements Chat {
  readonly #host: ChatHost;
  readonly #defaults: Omit<GenerateOptions, "signal">;
  #system: string | undefined;
  #template: TemplateOptions;
  #messages: readonly ChatMessage[];
  /** Turns before this one are left out of the prompt (sliding). */
  #firstShown = 0;
  #answer: GenerationStream | undefined;
  #disposed = false;

  /** @throws MilletError INVALID_ARGUMENT if the options hold something other than messages */
  constructor(host: ChatHost, options: ChatOptions = {}) {
    this.#host = host;
    this.#system = checkedSystem(options.system);
    this.#template = checkedTemplateOptions(options);
    this.#messages = (options.messages ?? []).map(checkedMessage);
    this.#defaults = options.generation ?? {};
  }

  get messages(): readonly ChatMessage[] {
    return this.#messages;
  }

  get system(): string | undefined {
    return this.#system;
  }

  set system(text: string | undefined) {
    this.#system = checkedSystem(text);
  }

  get tools(): readonly ToolDefinition[] | undefined {
    return this.#template.tools;
  }

  set tools(tools: readonly ToolDefinition[] | undefined) {
    this.#template = checkedTemplateOptions({ ...this.#template, tools });
  }

  send(
    message: string | ChatMessage | readonly ChatMessage[],
    options: GenerateOptions = {},
  ): GenerationStream {
    this.#requireIdle();
    const merged = mergeOptions<GenerateOptions>(this.#defaults, options);
    const history = [...this.#messages, ...turnsOf(message)];
    const hasTools = this.tools !== undefined && this.tools.length > 0;
    const answer = this.#host.generate(() => this.#prompt(history, merged), merged, this, hasTools);
    this.#answer = answer;
    const end = (result?: GenerationResult) => {
      this.#answer = undefined;
      if (result && isTurn(result))
        this.#messages = [...history, hasTools ? this.#message(result) : said(result.text)];
    };
    // First to hear of the end: whoever awaits the result finds the history complete.
    void answer.result.then(end, () => end());
    return answer;
  }

  reset(): void {
    this.#requireIdle();
    this.#messages = [];
    this.#firstShown = 0;
    this.#host.forget(this);
  }

  fork(): Chat {
    const { system, messages } = this;
    return new ChatSession(this.#host, { ...this.#template, system, messages, generation: this.#defaults });
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const answer = this.#answer;
    answer?.abort();
    await Promise.allSettled([answer?.result]);
    this.#host.forget(this);
  }

  [ASYNC_DISPOSE](): Promise<void> {
    return this.dispose();
  }

  #requireIdle(): void {
    if (this.#disposed) throw new MilletError("DISPOSED", "The chat was disposed. Create another one.");
    if (!this.#answer) return;
    throw new MilletError(
      "SESSION_BUSY",
      "The chat is still answering. Await the answer's result or abort it first; fork() for a second answer.",
    );
  }

  #prompt(history: readonly ChatMessage[], { onContextFull }: GenerateOptions): RenderedPrompt {
    const { contextLength } = this.#host;
    const all = this.#render(history, this.#firstShown);
    if (onContextFull !== "slide" || all.tokenIds.length <= contextLength * SLIDE_ABOVE) return all;
    let prompt = all;
    // Cutting deeper than needed keeps the beginning of the prompt the same for some turns, and so its cached rows.
    for (const start of turnStarts(history, this.#firstShown + 1)) {
      this.#firstShown = start;
      prompt = this.#render(history, start);
      if (prompt.tokenIds.length <= contextLength * SLIDE_TO) break;
    }
    return prompt;
  }

  #render(history: readonly ChatMessage[], firstShown: number): RenderedPrompt {
    const system = this.#system === undefined ? [] : [{ role: "system", content: this.#system }];
    return this.#host.render([...system, ...history.slice(firstShown)], this.#template);
  }

  /** An answer with its calls and thoughts apart. */
  #message({ text, prompt }: GenerationResult): ChatMessage {
    const firstCall =
      1 + this.#messages.reduce((sum, { tool_calls: calls }) => sum + (calls?.length ?? 0), 0);
    const { content, toolCalls, reasoning } = this.#host.format.parse(text, {
      prompt: prompt.text,
      firstCall,
    });
    return {
      role: "assistant",
      content: content === "" && toolCalls.length > 0 ? null : content,
      ...(toolCalls.length > 0 && { tool_calls: toolCalls }),
      ...(reasoning !== undefined && { reasoning_content: reasoning }),
    };
  }
}

/** Whether the answer belongs in the history: not if it was stopped before its first text. */
function isTurn({ finishReason, text }: GenerationResult): boolean {
  return finishReason !== "aborted" || text !== "";
}

/** Where a prompt may begin: at the user's turns, since templates expect one first. */
function turnStarts(history: readonly ChatMessage[], from: number): number[] {
  const starts = Array.from(history.keys()).filter((i) => i >= from && history[i]!.role === "user");
  return starts.length > 0 || from >= history.length ? starts : [history.length - 1];
}

/** @throws MilletError INVALID_ARGUMENT if it is no message, or an empty list of them */
function turnsOf(message: string | ChatMessage | readonly ChatMessage[]): readonly ChatMessage[] {
  if (typeof message === "string") return [{ role: "user", content: message }];
  if (!isList(message)) return [checkedMessage(message)];
  if (message.length > 0) return message.map(checkedMessage);
  throw new MilletError("INVALID_ARGUMENT", "send() takes at least one message.");
}

function isList(message: ChatMessage | readonly ChatMessage[]): message is readonly ChatMessage[] {
  return Array.isArray(message);
}

function said(content: string): ChatMessage {
  return { role: "assistant", content };
}

function checkedSystem(text: string | undefined): string | undefined {
  if (text === undefined || typeof text === "string") return text;
  throw new MilletError("INVALID_ARGUMENT", "The system message must be a string, or undefined for none.");
}
