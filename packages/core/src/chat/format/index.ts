/** How a model writes tool calls and thoughts, told from its chat template; reading and writing them. */
import { isMilletError } from "../../errors.js";
import { type ChatTemplate, createChatTemplate, type TemplateInput } from "../template.js";
import { createChatFormat, endsInThought, plainChatFormat } from "./chat-format.js";
import { callFamily } from "./detect.js";
import { SYNTAX } from "./syntax.js";
import type { ChatFormat } from "./types.js";

export type {
  AnswerDelta,
  AnswerParser,
  CallFamily,
  ChatFormat,
  ParsedAnswer,
  ParsedToolCall,
  ParseOptions,
} from "./types.js";
export { CALL_FAMILIES } from "./types.js";

/**
 * How models with this chat template write tool calls and thoughts.
 *
 *     const { content, toolCalls } = detectChatFormat(template).parse(answer);
 *
 * @param template its source; without one the family is "none", and thoughts are read all the same
 */
export function detectChatFormat(template: string | undefined): ChatFormat {
  if (template === undefined) return plainChatFormat();
  const family = callFamily(template);
  return createChatFormat(family, SYNTAX[family], new TemplateProbe(template));
}

const PROBE_TOOL = {
  type: "function",
  function: {
    name: "probe_tool",
    description: "A tool.",
    parameters: { type: "object", properties: { x: { type: "string", description: "A text." } } },
  },
};

/** What a template does, found by letting it render; each fact once, when it is asked for. */
class TemplateProbe {
  readonly #source: string;
  #template: ChatTemplate | undefined;
  #startsThinking: boolean | undefined;
  #hasTools: boolean | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  get startsThinking(): boolean {
    this.#startsThinking ??= endsInThought(this.#render({}));
    return this.#startsThinking;
  }

  get hasTools(): boolean {
    this.#hasTools ??= this.#render({ tools: [PROBE_TOOL] }).includes("probe_tool");
    return this.#hasTools;
  }

  /** The prompt for an answer; "" where the template is broken or refuses. */
  #render(input: Omit<TemplateInput, "messages">): string {
    try {
      this.#template ??= createChatTemplate(this.#source);
      const messages = [{ role: "user", content: "Hello." }];
      return this.#template.render({ messages, addGenerationPrompt: true, ...input });
    } catch (error) {
      if (isMilletError(error)) return "";
      throw error;
    }
  }
}
