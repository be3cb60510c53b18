/**
 * What a model chats with. Templates, which are a language of their own, are a part that is imported while a model with a
 * template is loaded, so that its conversations are rendered at once from then on; pages of other models never fetch it.
 */
import { corePart } from "../errors.js";
import type { Tokenizer } from "../tokenizer/index.js";
import { plainChatFormat } from "./format/chat-format.js";
import type { ChatFormat } from "./format/types.js";
import type { ChatRenderer } from "./render-chat.js";

export interface ModelChat {
  /** Renders a conversation as a prompt for the answer; undefined without a template. */
  readonly renderChat: ChatRenderer | undefined;
  readonly chatFormat: ChatFormat;
}

/**
 * @param template the model's own, if it has one; a broken one fails when it is used
 * @param system put in front of conversations that bring no system message
 * @throws MilletError SCRIPT_UNAVAILABLE
 */
export async function modelChat(
  template: string | undefined,
  tokenizer: Tokenizer,
  system: string | undefined,
): Promise<ModelChat> {
  if (template === undefined) return { renderChat: undefined, chatFormat: plainChatFormat() };
  const { createChatRenderer, detectChatFormat } = await corePart(import("./with-template.js"));
  return {
    renderChat: createChatRenderer(template, tokenizer, system),
    chatFormat: detectChatFormat(template),
  };
}
