/** A conversation as the prompt that asks for the assistant's answer: the file's template and its vocabulary. */
import { MilletError } from "../errors.js";
import type { RenderedPrompt } from "../generate/result.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { ChatMessage, TemplateOptions } from "./messages.js";
import { type ChatTemplate, createChatTemplate, encodeChat } from "./template.js";
import { adaptToolMessages, type CallStyle, callStyleOf } from "./tool-messages.js";

/** Throws MilletError TEMPLATE_* if the template is broken or refuses the conversation. */
export type ChatRenderer = (messages: readonly ChatMessage[], options?: TemplateOptions) => RenderedPrompt;

/**
 * The renderer of a template, which is parsed on first use: a model with a broken one can still continue text.
 * Control tokens are recognised only where the template wrote them, never in a message.
 * @param system put in front of conversations that bring no system message
 */
export function createChatRenderer(
  source: string,
  tokenizer: Tokenizer,
  system: string | undefined,
): ChatRenderer {
  let template: ChatTemplate | undefined;
  let style: { readonly found: CallStyle | undefined } | undefined;
  const special = (id: number | undefined) => (id === undefined ? "" : tokenizer.piece(id));
  return (messages, { tools, templateVariables } = {}) => {
    if (messages.length === 0) {
      throw new MilletError("INVALID_ARGUMENT", "The conversation has no messages. Pass at least one.");
    }
    template ??= createChatTemplate(source);
    if (messages.some(({ tool_calls: calls }) => calls !== undefined)) {
      style ??= { found: callStyleOf(template) };
    }
    const segments = template.renderSegments({
      messages: adaptToolMessages(withSystem(messages, system), style?.found).map((message) => ({
        ...message,
      })),
      addGenerationPrompt: true,
      tools: tools?.length === 0 ? undefined : tools,
      extra: templateVariables,
      bosToken: special(tokenizer.bosId),
      eosToken: special(tokenizer.eosId),
    });
    return { text: segments.map(({ text }) => text).join(""), tokenIds: encodeChat(tokenizer, segments) };
  };
}

function withSystem(messages: readonly ChatMessage[], system: string | undefined): readonly ChatMessage[] {
  if (system === undefined || messages.some(({ role }) => role === "system")) return messages;
  return [{ role: "system", content: system }, ...messages];
}
