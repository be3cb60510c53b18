/** A conversation with a model, as callers see it. Types only. */
import type { GenerateOptions } from "../generate/options.js";
import type { GenerationStream } from "../generate/result.js";
import type { ChatMessage, TemplateOptions, ToolDefinition } from "./messages.js";

export interface ChatOptions extends TemplateOptions {
  /** The system message. Default: the model's (see LoadModelOptions), or the template's own if it has one. */
  readonly system?: string | undefined;
  /** Earlier turns to go on from, without the system message. */
  readonly messages?: readonly ChatMessage[] | undefined;
  /** Defaults for every `send`. */
  readonly generation?: Omit<GenerateOptions, "signal"> | undefined;
}

/**
 * A conversation. Turns share the KV cache: only what is new since the last turn is computed.
 * With `onContextFull: "slide"` the oldest turns are left out of the prompt once it does not fit; the history keeps
 * them.
 */
export interface Chat {
  /** The turns so far, without the system message; a new array after each turn. */
  readonly messages: readonly ChatMessage[];
  /** The system message; setting it applies from the next turn on. */
  system: string | undefined;
  /**
   * The tools that the model may call; setting them applies from the next turn on. With tools, an answer's message has
   * its calls in `tool_calls`, its thoughts in `reasoning_content`, and the rest as content.
   */
  tools: readonly ToolDefinition[] | undefined;
  /**
   * Sends a message and streams the answer. When the answer has ended, both are in `messages`. An aborted answer
   * stays as far as it came; if it fails, or is aborted before its first text, the history is as before.
   * @param message the user's text, or messages of other roles: tools' results, as many as there were calls
   * @throws MilletError SESSION_BUSY while an answer is running, DISPOSED; the stream fails with CONTEXT_FULL,
   *   TEMPLATE_FAILED, BACKEND_LOST and others
   */
  send(message: string | ChatMessage | readonly ChatMessage[], options?: GenerateOptions): GenerationStream;
  /**
   * Forgets all turns; the system message stays.
   * @throws MilletError SESSION_BUSY while an answer is running
   */
  reset(): void;
  /** A conversation that goes on from here on its own. */
  fork(): Chat;
  /** Stops a running answer and frees what the conversation holds of the KV cache. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
