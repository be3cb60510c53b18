/** How a model writes tool calls and thoughts, told from its chat template; reading and writing them. */
import { isMilletError } from "../../errors.js";
import { isRecord } from "../check-messages.js";
import type { ToolCall } from "../messages.js";
import { type ChatTemplate, createChatTemplate, type TemplateInput } from "../template.js";
import { callFamily } from "./detect.js";
import { StreamingAnswerParser } from "./parser.js";
import { parsedJson, SYNTAX } from "./syntax.js";
import type { ChatFormat, ParseOptions } from "./types.js";

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
  const family = template === undefined ? "none" : callFamily(template);
  const syntax = SYNTAX[family];
  const probe = new TemplateProbe(template);
  const parser = ({ prompt, firstCall = 1 }: ParseOptions = {}) => {
    const thinks = prompt === undefined ? probe.startsThinking : endsInThought(prompt);
    return new StreamingAnswerParser(syntax, thinks, firstCall);
  };
  return {
    family,
    markers: [...syntax.calls.map(({ opener }) => opener).filter(Boolean), ...syntax.noise].concat(
      syntax.calls.flatMap(({ closers }) => closers.filter((closer) => closer.includes("<"))),
      family === "mistral" ? ["[ARGS]", "[CALL_ID]"] : [],
    ),
    get hasTools() {
      return probe.hasTools;
    },
    get startsThinking() {
      return probe.startsThinking;
    },
    write: (calls) => syntax.write(calls.map(rawCall)),
    parser,
    parse: (text, options) => {
      const reader = parser(options);
      reader.push(text);
      reader.finish();
      return reader.answer;
    },
  };
}

function rawCall({ function: { name, arguments: given } }: ToolCall) {
  const args = typeof given === "string" ? parsedJson(given) : given;
  return { name, arguments: isRecord(args) ? args : {} };
}

function endsInThought(prompt: string): boolean {
  return prompt.trimEnd().endsWith("<think>");
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
  readonly #source: string | undefined;
  #template: ChatTemplate | undefined;
  #startsThinking: boolean | undefined;
  #hasTools: boolean | undefined;

  constructor(source: string | undefined) {
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
    if (this.#source === undefined) return "";
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
