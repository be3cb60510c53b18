/** A conversation as `millet chat` keeps it: the model's chat, its totals, and its form in a file. */
import { writeFile } from "node:fs/promises";
import type { Chat, ChatMessage, GenerateOptions, GenerationResult, Model } from "@millet/core";
import { MilletError } from "@millet/core";
import { fileError, readTextFile } from "../files.js";

/** What a conversation needs of a model. */
export type ChatModel = Pick<Model, "info" | "backend" | "contextLength" | "loadMs" | "createChat">;

export interface NamedChatModel {
  readonly name: string;
  readonly model: ChatModel;
}

/** A conversation in a file. */
export interface Transcript {
  readonly model: string;
  readonly system?: string | undefined;
  readonly messages: readonly ChatMessage[];
}

export class Conversation {
  /** The model's name for people. */
  readonly name: string;
  readonly model: ChatModel;
  readonly #generation: Omit<GenerateOptions, "signal">;
  #chat: Chat;
  last: GenerationResult | undefined;
  answers = 0;
  generatedTokens = 0;
  computingMs = 0;

  constructor(
    { name, model }: NamedChatModel,
    system: string | undefined,
    generation: Omit<GenerateOptions, "signal">,
  ) {
    this.name = name;
    this.model = model;
    this.#generation = generation;
    this.#chat = model.createChat({ system, generation });
  }

  /** Undefined while the model's own applies. */
  get system(): string | undefined {
    return this.#chat.system;
  }

  /** Setting it to undefined brings the model's own back. */
  set system(text: string | undefined) {
    this.#chat.system = text;
  }

  get hasOwnSystem(): boolean {
    return this.#chat.system === undefined;
  }

  get messages(): readonly ChatMessage[] {
    return this.#chat.messages;
  }

  /** Streams the answer to `onText`. */
  async send(
    message: string,
    signal: AbortSignal,
    onText: (text: string) => void,
  ): Promise<GenerationResult> {
    const stream = this.#chat.send(message, { signal });
    for await (const text of stream) onText(text);
    const result = await stream.result;
    this.last = result;
    this.answers++;
    this.generatedTokens += result.tokenIds.length;
    this.computingMs += result.timings.elapsedMs;
    return result;
  }

  reset(): void {
    this.#chat.reset();
  }

  /** @throws MilletError SOURCE_READ_FAILED if there is such a file already, or it cannot be written */
  async save(path: string): Promise<void> {
    const transcript: Transcript = {
      model: this.name,
      system: this.system,
      messages: this.messages,
    };
    try {
      await writeFile(path, `${JSON.stringify(transcript, null, 2)}\n`, { flag: "wx" });
    } catch (error) {
      throw fileError(path, error, "written");
    }
  }

  /** Goes on from the conversation in a file; this one is forgotten. */
  async load(path: string): Promise<void> {
    const { system, messages } = parseTranscript(await readTextFile(path), path);
    const chat = this.model.createChat({ system, messages, generation: this.#generation });
    await this.#chat.dispose();
    this.#chat = chat;
  }

  async dispose(): Promise<void> {
    await this.#chat.dispose();
  }
}

/** @throws MilletError INVALID_ARGUMENT if `text` is no transcript */
export function parseTranscript(text: string, path: string): Transcript {
  const value = parseJson(text);
  if (isRecord(value) && Array.isArray(value.messages) && value.messages.every(isMessage)) {
    const { system } = value;
    if (system === undefined || typeof system === "string")
      return { model: String(value.model), system, messages: value.messages };
  }
  throw new MilletError(
    "INVALID_ARGUMENT",
    `${path} is no saved conversation: it should hold { "system"?, "messages": [{ "role", "content" }] }.`,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isMessage(value: unknown): value is ChatMessage {
  if (!isRecord(value) || typeof value.role !== "string") return false;
  return typeof value.content === "string" || (value.content === null && Array.isArray(value.tool_calls));
}
