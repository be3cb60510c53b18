/**
 * Messages with calls as a template takes them. Apps pass arguments as text or as an object and content as null or
 * text, as OpenAI's API does; each template knows one form only and fails on the others, or loses the calls without a
 * word. Which one is found by letting it render.
 */
import { isMilletError } from "../errors.js";
import { isRecord } from "./check-messages.js";
import { parsedJson } from "./format/family-syntax.js";
import { pythonJson } from "./format/syntax.js";
import type { ChatMessage, ToolCall } from "./messages.js";
import type { ChatTemplate } from "./template.js";

/** The form of an assistant's message with calls that a template renders. */
export interface CallStyle {
  readonly arguments: "object" | "text";
  readonly emptyContent: "" | null;
  /** Whether content beside calls leaves the calls in the prompt. */
  readonly takesContent: boolean;
}

const TOOL = {
  type: "function",
  function: { name: "tool_of_probe", description: "", parameters: { type: "object", properties: {} } },
} as const;

/** The form that `template` renders; undefined if it renders no calls. */
export function callStyleOf(template: ChatTemplate): CallStyle | undefined {
  for (const form of ["object", "text"] as const) {
    for (const emptyContent of ["", null] as const) {
      if (!showsCall(template, form, emptyContent)) continue;
      return { arguments: form, emptyContent, takesContent: showsCall(template, form, "said") };
    }
  }
  return undefined;
}

function showsCall(template: ChatTemplate, form: CallStyle["arguments"], content: string | null): boolean {
  const args = { probed_key: "probed_value" };
  const call = {
    id: "call00001",
    type: "function",
    function: { name: "tool_of_probe", arguments: form === "object" ? args : pythonJson(args) },
  };
  const messages = [
    { role: "user", content: "asked" },
    { role: "assistant", content, tool_calls: [call] },
    { role: "tool", name: "tool_of_probe", tool_call_id: "call00001", content: "found" },
  ];
  try {
    const text = template.render({ messages, tools: [TOOL] });
    return /"probed_key":\s*"probed_value"/.test(text) && !text.includes("None");
  } catch (error) {
    if (isMilletError(error)) return false;
    throw error;
  }
}

/** The messages in the form that the template renders; "tool" messages get the name of the tool that they answer. */
export function adaptToolMessages(
  messages: readonly ChatMessage[],
  style: CallStyle | undefined,
): readonly ChatMessage[] {
  const names = new Map<string, string>();
  return messages.map((message) => {
    const { role, content, tool_calls: calls, tool_call_id: id } = message;
    for (const call of calls ?? []) if (call.id !== undefined) names.set(call.id, call.function.name);
    const name = message.name ?? (id === undefined ? undefined : names.get(id));
    if (role === "tool" && name !== undefined) return { ...message, name };
    if (calls === undefined || calls.length === 0 || style === undefined) return message;
    const isEmpty = content === null || content === "" || !style.takesContent;
    return {
      ...message,
      content: isEmpty ? style.emptyContent : content,
      tool_calls: calls.map((call) => adaptCall(call, style)),
    };
  });
}

function adaptCall(call: ToolCall, style: CallStyle): ToolCall {
  const { name, arguments: given } = call.function;
  return { ...call, type: "function", function: { name, arguments: adaptArguments(given, style, name) } };
}

function adaptArguments(
  given: ToolCall["function"]["arguments"],
  style: CallStyle,
  name: string,
): ToolCall["function"]["arguments"] {
  const value = typeof given === "string" ? parsedJson(given) : given;
  const object = isRecord(value) ? value : undefined;
  if (style.arguments === "object") return object ?? given;
  // Functionary's own tool: code as it is, behind a mark.
  if (name === "python" && typeof object?.code === "string") return object.code;
  return typeof given === "string" ? given : pythonJson(given);
}
