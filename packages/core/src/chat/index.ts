/** Chat templates and the ways in which models write tool calls, for templates of one's own. Models bring theirs along. */
export {
  type AnswerDelta,
  type AnswerParser,
  CALL_FAMILIES,
  type CallFamily,
  type ChatFormat,
  detectChatFormat,
  type ParsedAnswer,
  type ParsedToolCall,
  type ParseOptions,
} from "./format/index.js";
export {
  type ChatTemplate,
  createChatTemplate,
  encodeChat,
  type TemplateInput,
  type TemplateMessage,
} from "./template.js";
