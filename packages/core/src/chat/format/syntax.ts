/**
 * How each family writes a call: the marks around it, and where its name and arguments stand. One table; the parser
 * knows no family. Written from the models' chat templates and model cards.
 */
import { TemplateBudget } from "../template-budget.js";
import { toTemplateValue } from "../template-input.js";
import { toJson } from "../template-json.js";
import { Text } from "../template-text.js";
import { type CallSyntax, type FamilySyntax, NO_CALLS, parsedJson, type RawCall } from "./family-syntax.js";
import type { CallFamily } from "./types.js";

const JSON_NEXT = { first: /[[{]/, json: /^\s*[[{]/, prelude: /^\s*$/ };

/** JSON as Python and therefore templates write it: "a": 1, "b": 2. */
export function pythonJson(value: unknown, indent?: number): string {
  const converted = toTemplateValue(value);
  const separators = [new Text(indent === undefined ? ", " : ","), new Text(": ")] as const;
  const options = { indent, ensureAscii: false, sortKeys: false, separators };
  return toJson(converted, options, new TemplateBudget(Number.MAX_SAFE_INTEGER)).value;
}

const named = ({ name, arguments: args }: RawCall) => pythonJson({ name, arguments: args });

const LLAMA3_PYTHON: CallSyntax = {
  ...JSON_NEXT,
  opener: "<|python_tag|>",
  closers: [";"],
  raw: (text) => builtinCall(text) ?? { name: "code_interpreter", arguments: { code: text } },
};

export const SYNTAX: Readonly<Record<CallFamily, FamilySyntax>> = {
  // Nous Hermes 2 Pro, Qwen2.5, Qwen3, SmolLM3, Granite 4
  hermes: {
    calls: [{ ...JSON_NEXT, opener: "<tool_call>", closers: ["</tool_call>"] }],
    noise: [],
    noTool: [],
    write: (calls) => calls.map((call) => `<tool_call>\n${named(call)}\n</tool_call>`).join("\n"),
  },
  // Llama 3.1 to 3.3: JSON as the whole answer; built-in tools as name.call(key="value")
  llama3: {
    calls: [
      { ...JSON_NEXT, opener: "", first: /\{/, json: /^\s*\{/, closers: [";"], needsArguments: true },
      LLAMA3_PYTHON,
    ],
    noise: [],
    noTool: [],
    write: (calls) =>
      calls.map(({ name, arguments: parameters }) => pythonJson({ name, parameters })).join("; "),
  },
  // Functionary v3.1, and Llama 3.1 where it is told so
  functionary: {
    calls: [
      {
        opener: "<function=",
        first: /[^\s>]/,
        json: /^[^{]*\{/,
        prelude: /^(?<name>[^\s>{]+)>\s*$/,
        closers: ["</function>"],
      },
      { ...LLAMA3_PYTHON, first: /(?!)/, raw: (code) => ({ name: "python", arguments: { code } }) },
    ],
    noise: [],
    noTool: [],
    write: (calls) =>
      calls
        .map(({ name, arguments: args }) =>
          name === "python" && typeof args.code === "string"
            ? `<|python_tag|>${args.code}`
            : `<function=${name}>${pythonJson(args)}</function>`,
        )
        .join(""),
  },
  // Command-R and Command-R+
  "command-r": {
    calls: [
      {
        opener: "Action:",
        first: /`/,
        json: /^[^[{]*[[{]/,
        prelude: /^\s*```(?:json)?\s*$/,
        closers: ["```"],
      },
    ],
    noise: [],
    noTool: ["directly-answer", "directly_answer"],
    write: (calls) => {
      const list = calls.map((call) => ({ tool_name: call.name, parameters: call.arguments }));
      return `Action:\n\`\`\`json\n${pythonJson(list, 4)}\n\`\`\``;
    },
  },
  // DeepSeek R1 and V3; from V3.1 on the name stands first and the JSON has no fence
  deepseek: {
    calls: [
      {
        opener: "<｜tool▁call▁begin｜>",
        first: /[^\s{]/,
        json: /^[^{]*\{/,
        prelude:
          /^(?:(?:function)?<｜tool▁sep｜>)?(?<name>[^\s<{`]+)\s*(?:<｜tool▁sep｜>)?\s*(?:```(?:json)?\s*)?$/,
        closers: ["```", "<｜tool▁call▁end｜>"],
      },
    ],
    noise: ["<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"],
    noTool: [],
    write: (calls) => {
      const one = ({ name, arguments: args }: RawCall) =>
        `<｜tool▁call▁begin｜>function<｜tool▁sep｜>${name}\n\`\`\`json\n${pythonJson(args)}\n\`\`\`<｜tool▁call▁end｜>`;
      return `<｜tool▁calls▁begin｜>${calls.map(one).join("\n")}<｜tool▁calls▁end｜>`;
    },
  },
  // Mistral: a list of calls; in later versions one name and its arguments after each mark
  mistral: {
    calls: [
      {
        opener: "[TOOL_CALLS]",
        first: /[\w[{]/,
        json: /^\s*[[{]|^[^{]*\{/,
        prelude: /^\s*(?:(?<name>[^\s[{]+)\s*(?:\[CALL_ID\]\s*\w+\s*)?(?:\[ARGS\]\s*)?)?$/,
        closers: [],
      },
    ],
    noise: [],
    noTool: [],
    write: (calls) => `[TOOL_CALLS][${calls.map(named).join(", ")}]`,
  },
  // Phi-4-mini; Granite 3 has the same mark without an end
  phi: {
    calls: [{ ...JSON_NEXT, opener: "<|tool_call|>", closers: ["<|/tool_call|>"] }],
    noise: [],
    noTool: [],
    write: (calls) => `<|tool_call|>[${calls.map(named).join(", ")}]<|/tool_call|>`,
  },
  none: NO_CALLS,
};

/** brave_search.call(query="...") as a call; undefined for other code. */
function builtinCall(text: string): RawCall | undefined {
  const match = /^\s*([A-Za-z_]\w*)\.call\(([\s\S]*)\)\s*$/.exec(text);
  if (match === null) return undefined;
  const args: Record<string, unknown> = {};
  let rest = match[2]!;
  while (rest.trim() !== "") {
    const pair = /^\s*,?\s*([A-Za-z_]\w*)\s*=\s*("(?:[^"\\]|\\[\s\S])*"|[\w.+-]+)\s*/.exec(rest);
    const value = pair === null ? undefined : parsedJson(pair[2]!);
    if (pair === null || value === undefined) return undefined;
    args[pair[1]!] = value;
    rest = rest.slice(pair[0].length);
  }
  return { name: match[1]!, arguments: args };
}
