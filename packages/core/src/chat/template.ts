/**
 * Chat templates: a conversation to the text that a model was trained on. Rendering also says which text the
 * template wrote and which came from outside, so that users cannot write control tokens (see encodeChat).
 * Settings and helpers are those of transformers' apply_chat_template.
 */
import { isMilletError, MilletError } from "../errors.js";
import type { TextSegment, Tokenizer } from "../tokenizer/index.js";
import { TemplateBudget } from "./template-budget.js";
import { createEvaluator } from "./template-evaluate.js";
import { globalFunctions } from "./template-globals.js";
import { inputLength, toMessages, toTemplateValue } from "./template-input.js";
import { parseTemplate } from "./template-parse.js";
import { Scope } from "./template-scope.js";
import { Text } from "./template-text.js";
import { failed, type Value } from "./template-values.js";

/** One message: `role` and `content`, and what else the template reads (tool_calls, name ...). */
export interface TemplateMessage {
  readonly role: string;
  readonly content?: unknown;
  readonly [key: string]: unknown;
}

export interface TemplateInput {
  readonly messages: readonly TemplateMessage[];
  /** Descriptions of tools, as JSON-like data. */
  readonly tools?: readonly object[] | undefined;
  /** End with the start of an answer. Default false. */
  readonly addGenerationPrompt?: boolean | undefined;
  /** The text of the vocabulary's BOS token. Default "". */
  readonly bosToken?: string | undefined;
  /** The text of the vocabulary's EOS token. Default "". */
  readonly eosToken?: string | undefined;
  /** Other variables that the template reads, such as enable_thinking. */
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  /** The time that strftime_now() tells. Default: the current one. */
  readonly now?: Date | undefined;
}

export interface ChatTemplate {
  readonly source: string;
  /**
   * The rendered text.
   * @throws MilletError TEMPLATE_FAILED if the template refuses the conversation or cannot work with it,
   *   TEMPLATE_STEP_LIMIT if it takes too much work
   */
  render(input: TemplateInput): string;
  /** The rendered text in runs: trusted where the template wrote it. Joined they are `render`'s text. Throws alike. */
  renderSegments(input: TemplateInput): TextSegment[];
}

/**
 * Parses a chat template.
 * @throws MilletError TEMPLATE_INVALID with the place of the mistake
 */
export function createChatTemplate(source: string): ChatTemplate {
  const program = parseTemplate(source);
  const run = (input: TemplateInput): Text => {
    try {
      const messages = toMessages(input.messages);
      const tools = input.tools === undefined ? null : toTemplateValue(input.tools);
      const extra = Object.entries(input.extra ?? {}).map(
        ([name, value]) => [name, toTemplateValue(value)] as const,
      );
      let length = inputLength(messages) + inputLength(tools);
      for (const [, value] of extra) length += inputLength(value);
      const budget = new TemplateBudget(length);
      const scope = new Scope(undefined, budget);
      const define = (values: Iterable<readonly [string, Value]>) => {
        for (const [name, value] of values) scope.set(name, value);
      };
      define(CONSTANTS);
      define(globalFunctions(budget, () => input.now ?? new Date()));
      define([
        ["messages", messages],
        ["tools", tools],
        ["documents", null],
        ["add_generation_prompt", input.addGenerationPrompt ?? false],
        ["bos_token", new Text(input.bosToken ?? "")],
        ["eos_token", new Text(input.eosToken ?? "")],
        ...extra,
      ]);
      return createEvaluator(budget).render(program.body, scope);
    } catch (cause) {
      throw asMilletError(cause);
    }
  };
  return {
    source,
    render: (input) => run(input).value,
    renderSegments: (input) => segmentsOf(run(input)),
  };
}

const CONSTANTS: readonly (readonly [string, Value])[] = [
  ["true", true],
  ["True", true],
  ["false", false],
  ["False", false],
  ["none", null],
  ["None", null],
];

function asMilletError(cause: unknown): MilletError {
  if (isMilletError(cause)) return cause;
  if (cause instanceof RangeError) {
    return new MilletError(
      "TEMPLATE_STEP_LIMIT",
      "The chat template was stopped, since its expressions nest too deeply. Use another template.",
      { cause },
    );
  }
  return failed(
    `The chat template failed: ${cause instanceof Error ? cause.message : String(cause)}.`,
    cause,
  );
}

function segmentsOf(text: Text): TextSegment[] {
  const segments: TextSegment[] = [];
  const add = (start: number, end: number, trusted: boolean) => {
    if (end > start) segments.push({ text: text.value.slice(start, end), trusted });
  };
  let at = 0;
  for (let i = 0; i < text.untrusted.length; i += 2) {
    add(at, text.untrusted[i]!, true);
    add(text.untrusted[i]!, text.untrusted[i + 1]!, false);
    at = text.untrusted[i + 1]!;
  }
  add(at, text.length, true);
  return segments;
}

/**
 * Token ids of a rendered conversation: control tokens only where the template wrote them. BOS stands in front
 * if the vocabulary wants it, once, also where the template writes it itself.
 */
export function encodeChat(tokenizer: Tokenizer, segments: readonly TextSegment[]): number[] {
  const ids = tokenizer.encodeSegments(segments, { addBos: false, addEos: false });
  const { addBos, bosId } = tokenizer;
  return addBos && bosId !== undefined && ids[0] !== bosId ? [bosId, ...ids] : ids;
}
