/**
 * Messages of a conversation, tools and calls, shaped as in OpenAI's chat API so that apps and templates can share
 * them. Types only; what comes from callers is checked by check-messages.ts.
 */

/** A call that the assistant makes. */
export interface ToolCall {
  /** What a "tool" message answers with its `tool_call_id`. */
  readonly id?: string | undefined;
  readonly type?: "function" | undefined;
  readonly function: {
    readonly name: string;
    /** JSON text, as answers bring it, or the object itself. */
    readonly arguments: string | Readonly<Record<string, unknown>>;
  };
}

/** A tool that the assistant may call. */
export interface ToolDefinition {
  readonly type: "function";
  readonly function: {
    readonly name: string;
    readonly description?: string | undefined;
    /** JSON Schema of the arguments, an object. */
    readonly parameters?: Readonly<Record<string, unknown>> | undefined;
  };
}

/** One turn of a conversation. */
export interface ChatMessage {
  /** "system", "user", "assistant", "tool", or another role that the model's template knows. */
  readonly role: string;
  /** null: an assistant's message that is calls alone. */
  readonly content: string | null;
  /** role "tool": the tool's name. Default: that of the call with this `tool_call_id`. */
  readonly name?: string | undefined;
  /** role "assistant": what it calls. */
  readonly tool_calls?: readonly ToolCall[] | undefined;
  /** role "tool": the call that this answers. */
  readonly tool_call_id?: string | undefined;
  /** role "assistant": what it thought before the answer; most templates leave it out of later prompts. */
  readonly reasoning_content?: string | undefined;
}

/** What a conversation gives to the chat template besides its messages. */
export interface TemplateOptions {
  /** Tools that the model may call; the template writes them into the prompt. */
  readonly tools?: readonly ToolDefinition[] | undefined;
  /** Variables that the template reads, such as `{ enable_thinking: false }` or `{ documents: [...] }`. */
  readonly templateVariables?: Readonly<Record<string, unknown>> | undefined;
}
