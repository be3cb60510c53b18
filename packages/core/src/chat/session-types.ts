/** A conversation with a model, as callers see it. Types only. */
import type { GenerateOptions } from "../generate/options.js";
import type { GenerationStream } from "../generate/result.js";

/** One turn of a conversation. */
export interface ChatMessage {
  /** "system", "user", "assistant", or another role that the model's template knows. */
  readonly role: string;
  readonly content: string;
}

export interface ChatOptions {
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
   * Sends a message and streams the answer. When the answer has ended, both are in `messages`. An aborted answer
   * stays as far as it came; if it fails, or is aborted before its first text, the history is as before.
   * @param message the user's text, or a message of another role
   * @throws MilletError SESSION_BUSY while an answer is running, DISPOSED; the stream fails with CONTEXT_FULL,
   *   TEMPLATE_FAILED, BACKEND_LOST and others
   */
  send(message: string | ChatMessage, options?: GenerateOptions): GenerationStream;
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
