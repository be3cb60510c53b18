/** A chat format: a family's syntax, with the parser and the writer that go by it. */
import { isRecord } from "../check-messages.js";
import type { ToolCall } from "../messages.js";
import { type FamilySyntax, NO_CALLS, parsedJson } from "./family-syntax.js";
import { StreamingAnswerParser } from "./parser.js";
import type { CallFamily, ChatFormat, ParseOptions } from "./types.js";

/** @param facts of the template, which may be found out when they are asked for */
export function createChatFormat(
  family: CallFamily,
  syntax: FamilySyntax,
  facts: Pick<ChatFormat, "hasTools" | "startsThinking">,
): ChatFormat {
  const parser = ({ prompt, firstCall = 1 }: ParseOptions = {}) => {
    const thinks = prompt === undefined ? facts.startsThinking : endsInThought(prompt);
    return new StreamingAnswerParser(syntax, thinks, firstCall);
  };
  return {
    family,
    markers: [...syntax.calls.map(({ opener }) => opener).filter(Boolean), ...syntax.noise].concat(
      syntax.calls.flatMap(({ closers }) => closers.filter((closer) => closer.includes("<"))),
      family === "mistral" ? ["[ARGS]", "[CALL_ID]"] : [],
    ),
    get hasTools() {
      return facts.hasTools;
    },
    get startsThinking() {
      return facts.startsThinking;
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

/** Of a model without a template: no calls; thoughts are read all the same. */
export function plainChatFormat(): ChatFormat {
  return createChatFormat("none", NO_CALLS, { hasTools: false, startsThinking: false });
}

function rawCall({ function: { name, arguments: given } }: ToolCall) {
  const args = typeof given === "string" ? parsedJson(given) : given;
  return { name, arguments: isRecord(args) ? args : {} };
}

/** Whether the answer to a prompt goes on with a thought. */
export function endsInThought(prompt: string): boolean {
  return prompt.trimEnd().endsWith("<think>");
}
