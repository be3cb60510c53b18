/** What chatting by a template takes. One part for bundlers. */
export { detectChatFormat } from "./format/index.js";
export { createChatRenderer } from "./render-chat.js";
