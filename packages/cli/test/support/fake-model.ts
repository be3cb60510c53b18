/** A chat model for tests that answers from a script, word by word, and stops when it is told to. */
import {
  type Chat,
  type ChatMessage,
  type ChatOptions,
  DEFAULT_SAMPLING,
  type GenerateOptions,
  type GenerationResult,
  type GenerationStream,
} from "@millet/core";
import type { ChatModel } from "../../src/chat/conversation.js";

/** What a fake model was asked, and how it answers. */
export interface Script {
  /** The answer to a message; "…" in it waits until the answer is stopped. An Error fails. */
  readonly answer: (message: string) => string | Error;
}

export function fakeModel(script: Script): ChatModel {
  return {
    info: {
      name: "Fake",
      architecture: "llama",
      parameterCount: 1000,
      fileBytes: 2000,
      weightBytes: 1500,
      quantization: "f32 100.0%",
      trainedContextLength: 512,
      vocabularySize: 100,
      canGenerate: true,
      embedding: { dimensions: 8, pooling: "last" },
    },
    backend: {
      name: "fake",
      capabilities: {
        description: "a script",
        threads: 1,
        memoryLimitBytes: undefined,
        kvDTypes: ["f32"],
        limitations: [],
      },
      estimate: { weightBytes: 0, kvBytes: 0, scratchBytes: 0 },
      weightBytes: 1500,
      rejected: [],
      recoveries: [],
    },
    contextLength: 512,
    loadMs: 12,
    createChat: (options = {}) => new FakeChat(script, options),
  };
}

class FakeChat implements Chat {
  messages: readonly ChatMessage[];
  system: string | undefined;
  tools = undefined;
  readonly #script: Script;

  constructor(script: Script, { system, messages = [] }: ChatOptions) {
    this.#script = script;
    this.system = system;
    this.messages = messages;
  }

  send(
    message: string | ChatMessage | readonly ChatMessage[],
    { signal }: GenerateOptions = {},
  ): GenerationStream {
    const user: ChatMessage =
      typeof message === "string" ? { role: "user", content: message } : [message].flat()[0]!;
    const stop = new AbortController();
    let finish: (result: GenerationResult) => void = () => {};
    let fail: (error: Error) => void = () => {};
    const result = new Promise<GenerationResult>((resolve, reject) => {
      finish = resolve;
      fail = reject;
    });
    result.catch(() => {}); // whoever reads the stream is told
    const texts = () =>
      this.#answer(user, AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]), finish, fail);
    return {
      result,
      chunks: () => {
        throw new Error("The chat reads text, not chunks.");
      },
      abort: () => stop.abort(),
      [Symbol.asyncIterator]: texts,
    };
  }

  async *#answer(
    user: ChatMessage,
    signal: AbortSignal,
    finish: (result: GenerationResult) => void,
    fail: (error: Error) => void,
  ): AsyncGenerator<string> {
    const answer = this.#script.answer(user.content ?? "");
    if (answer instanceof Error) {
      fail(answer);
      throw answer;
    }
    let text = "";
    for (const word of answer.split(/(?<= )/)) {
      if (word.startsWith("…")) await aborted(signal);
      if (signal.aborted) break;
      text += word;
      yield word;
    }
    this.messages = [...this.messages, user, { role: "assistant", content: text }];
    finish(resultOf(text, signal.aborted));
  }

  reset(): void {
    this.messages = [];
  }

  fork(): Chat {
    return new FakeChat(this.#script, { system: this.system, messages: this.messages });
  }

  async dispose(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function resultOf(text: string, isAborted: boolean): GenerationResult {
  const tokenIds = text.split(" ").map((_, i) => i);
  return {
    text,
    tokenIds,
    finishReason: isAborted ? "aborted" : "stop",
    stoppedBy: undefined,
    logprobs: undefined,
    prompt: { text: "", tokenIds: [1, 2, 3] },
    reusedTokens: 0,
    droppedTokens: 0,
    logitRowsRead: 0,
    sampler: { ...DEFAULT_SAMPLING, logitBias: new Map(), seed: 7 },
    timings: {
      queueMs: 0,
      prefillTokens: 3,
      prefillMs: 10,
      prefillTokensPerSecond: 300,
      decodeTokens: tokenIds.length,
      decodeMs: 100,
      decodeTokensPerSecond: tokenIds.length * 10,
      timeToFirstTokenMs: 10,
      elapsedMs: 110,
    },
  };
}
