/** Which family's way of writing calls a chat template shows to its model: told by the marks in its text. */
import type { CallFamily } from "./types.js";

/** The first that fits counts: later marks stand in templates of earlier families too. */
const SIGNS: readonly (readonly [CallFamily, (template: string) => boolean])[] = [
  ["deepseek", (template) => template.includes("<｜tool▁call")],
  ["mistral", (template) => template.includes("[TOOL_CALLS]")],
  // Qwen3-Coder writes its arguments as tags; nobody reads those here
  ["none", (template) => template.includes("<parameter=")],
  ["functionary", (template) => template.includes("<function=") && template.includes("</function>")],
  ["hermes", (template) => template.includes("<tool_call>")],
  ["phi", (template) => template.includes("<|tool_call|>") || template.includes("<|/tool|>")],
  ["command-r", (template) => template.includes("Action:") && template.includes("tool_name")],
  ["llama3", (template) => template.includes("<|python_tag|>")],
  ["llama3", (template) => template.includes("<|start_header_id|>") && template.includes('"parameters": ')],
];

export function callFamily(template: string): CallFamily {
  return SIGNS.find(([, fits]) => fits(template))?.[0] ?? "none";
}
