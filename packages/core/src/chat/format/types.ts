/** How a family of models writes tool calls and thoughts into its answers, and how they are read. Types only. */
import type { ChatMessage } from "../messages.js";

/** Families of ways to write a call. "none": the model's template knows no tools. */
export const CALL_FAMILIES = [
  "hermes",
  "llama3",
  "functionary",
  "command-r",
  "deepseek",
  "mistral",
  "phi",
  "none",
] as const;

export type CallFamily = (typeof CALL_FAMILIES)[number];

/** A call that was read from an answer, as a message's `tool_calls` take it. */
export interface ParsedToolCall {
  /** "call00001" and so on: nine letters and digits, which is what Mistral's templates ask for. */
  readonly id: string;
  readonly type: "function";
  readonly function: {
    readonly name: string;
    /** JSON text of an object. */
    readonly arguments: string;
  };
}

/** An answer taken apart. */
export interface ParsedAnswer {
  /** The text without calls and thoughts; where there are none, the answer as it is. */
  readonly content: string;
  readonly toolCalls: readonly ParsedToolCall[];
  /** What the model thought before it answered; undefined if it did not. */
  readonly reasoning: string | undefined;
  /** What was not as the format has it and stayed in the content: "a call without a name". Empty for most. */
  readonly notes: readonly string[];
}

/** A piece of an answer, as soon as it is known what it is. */
export type AnswerDelta =
  | { readonly type: "content" | "reasoning"; readonly text: string }
  | { readonly type: "tool-call"; readonly call: ParsedToolCall };

export interface ParseOptions {
  /**
   * The prompt that was answered (`result.prompt.text`): some end with an opened thought, which the answer goes on with.
   * Default: as the template's own prompts end.
   */
  readonly prompt?: string | undefined;
  /** The number of the first call, for its id: one more than the calls before in the conversation. Default 1. */
  readonly firstCall?: number | undefined;
}

/**
 * Takes an answer apart while it streams. Never throws: what is not as the format has it is content. However the text
 * is cut, the deltas join to the same answer.
 */
export interface AnswerParser {
  /** What became certain with this text. */
  push(text: string): readonly AnswerDelta[];
  /** The rest. After this `push` gives nothing more. */
  finish(): readonly AnswerDelta[];
  /** All so far; complete after `finish`. */
  readonly answer: ParsedAnswer;
}

export interface ChatFormat {
  readonly family: CallFamily;
  /** Whether the template can show calls and tools to the model. */
  readonly hasTools: boolean;
  /** Whether prompts for an answer end with an opened thought. */
  readonly startsThinking: boolean;
  /** Texts that mark calls; where the vocabulary has them as control tokens, they belong to the answer's text. */
  readonly markers: readonly string[];
  /** Calls as this family writes them: what `parse` reads. "" for the family "none". */
  write(calls: NonNullable<ChatMessage["tool_calls"]>): string;
  /** Takes a whole answer apart. Never throws. */
  parse(text: string, options?: ParseOptions): ParsedAnswer;
  /** The same for an answer that streams. */
  parser(options?: ParseOptions): AnswerParser;
}
