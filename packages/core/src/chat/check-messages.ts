/**
 * Checks and copies what callers pass as messages and tools, so that later changes to their objects do not reach a
 * history.
 */
import { MilletError } from "../errors.js";
import type { ChatMessage, TemplateOptions, ToolCall, ToolDefinition } from "./messages.js";

/** As deep as templates take data (template-input.ts). */
const MAX_DEPTH = 64;

/** @throws MilletError INVALID_ARGUMENT if it is no message */
export function checkedMessage(message: ChatMessage): ChatMessage {
  const given: unknown = message;
  if (!isRecord(given) || typeof given.role !== "string") throw noMessage();
  const { content, tool_calls: calls, name, tool_call_id: id, reasoning_content: reasoning } = message;
  const isCallsAlone = (content === null || content === undefined) && calls !== undefined;
  if (typeof content !== "string" && !isCallsAlone) throw noMessage();
  for (const [field, value] of Object.entries({
    name,
    tool_call_id: id,
    reasoning_content: reasoning,
  })) {
    if (value !== undefined && typeof value !== "string")
      throw invalid(`A chat message's ${field} must be a string.`);
  }
  return {
    ...message,
    content: isCallsAlone ? null : content,
    ...(calls !== undefined && { tool_calls: checkedCalls(calls) }),
  };
}

function checkedCalls(calls: readonly ToolCall[]): readonly ToolCall[] {
  if (!Array.isArray(calls)) throw invalid("A chat message's tool_calls must be a list.");
  return calls.map((call: ToolCall) => {
    const { id, function: called } = call ?? {};
    if (
      !isRecord(called) ||
      typeof called.name !== "string" ||
      (id !== undefined && typeof id !== "string")
    ) {
      throw invalid('Each of tool_calls needs a function: { "id"?, "function": { "name", "arguments" } }.');
    }
    const { arguments: given } = called;
    if (typeof given !== "string" && !isRecord(given))
      throw invalid(`The arguments of the call of ${called.name} must be an object, or its JSON text.`);
    return { ...call, type: "function", function: { ...called, arguments: copied(given) } };
  });
}

/** @throws MilletError INVALID_ARGUMENT if a tool is none */
export function checkedTemplateOptions({ tools, templateVariables }: TemplateOptions): TemplateOptions {
  return {
    ...(tools !== undefined && { tools: checkedTools(tools) }),
    ...(templateVariables !== undefined && { templateVariables: copied(templateVariables) }),
  };
}

function checkedTools(tools: readonly ToolDefinition[]): readonly ToolDefinition[] {
  const isTool = (tool: unknown) =>
    isRecord(tool) && isRecord(tool.function) && typeof tool.function.name === "string";
  if (Array.isArray(tools) && tools.every(isTool)) return tools.map((tool) => copied(tool));
  throw invalid(
    'Option tools must be a list of { "type": "function", "function": { "name", "description", "parameters" } }.',
  );
}

/** A copy of JSON-like data. @throws MilletError INVALID_ARGUMENT if it is too deep, or circular */
function copied<T>(value: T, depth?: number): T;
function copied(value: unknown, depth = 0): unknown {
  if (depth > MAX_DEPTH) throw invalid(`A message or tool is nested deeper than ${MAX_DEPTH} levels.`);
  if (Array.isArray(value)) return value.map((item) => copied(item, depth + 1));
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copied(item, depth + 1)]));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function noMessage(): MilletError {
  return invalid(
    "A chat message needs a role and a content, both strings; content may be null beside tool_calls.",
  );
}

function invalid(message: string): MilletError {
  return new MilletError("INVALID_ARGUMENT", message);
}
