/** Tool calls and thoughts in answers: how families write them, and that nothing that a model writes breaks the reader. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import {
  type AnswerDelta,
  CALL_FAMILIES,
  type ChatFormat,
  detectChatFormat,
} from "../../src/chat/format/index.js";
import type { ChatMessage, ToolCall } from "../../src/chat/messages.js";
import { type ChatTemplate, createChatTemplate } from "../../src/chat/template.js";
import { adaptToolMessages, callStyleOf } from "../../src/chat/tool-messages.js";
import ownFormats from "./own-formats.json" with { type: "json" };

const FAMILIES = CALL_FAMILIES.filter((family) => family !== "none");
const formatOf = (family: keyof typeof ownFormats) => detectChatFormat(ownFormats[family].template);
const TOOL = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather.",
    parameters: { type: "object", properties: { city: { type: "string", description: "A city." } } },
  },
} as const;
const callOf = (name: string, args: object, number = 1): ToolCall & { id: string } => ({
  id: `call0000${number}`,
  type: "function",
  function: { name, arguments: JSON.stringify(args) },
});
const WEATHER = callOf("get_weather", {
  city: 'Łódź "2" }]</tool_call>',
  days: 2,
  deep: { a: [1, null, true], b: {} },
});
const ASKED: ChatMessage = { role: "user", content: "Weather?" };

const TURN_STARTS = [
  "end_header_id|>\n\n",
  "CHATBOT_TOKEN|>",
  "Assistant｜>",
  "assistant\n",
  "assistant|>",
  "assistant",
];

/** What the template writes as the assistant's turn. */
function turnOf(template: ChatTemplate, turn: ChatMessage, ends: readonly string[]): string {
  const render = (messages: readonly ChatMessage[], addGenerationPrompt: boolean) =>
    template.render({
      messages: adaptToolMessages(messages, callStyleOf(template)).map((message) => ({ ...message })),
      tools: [TOOL],
      addGenerationPrompt,
    });
  const before = render([ASKED], false);
  const after = render([ASKED, turn], false);
  let at = 0;
  while (at < before.length && before[at] === after[at]) at++;
  let text = after.slice(at);
  const start = TURN_STARTS.find((mark) => text.includes(mark)) ?? "";
  text = text.slice(text.indexOf(start) + start.length);
  for (const end of ends) if (text.includes(end)) text = text.slice(0, text.indexOf(end));
  return text;
}

const squeezed = (text: string) => text.replace(/\s+/g, "");

describe.each(FAMILIES)("%s", (family) => {
  const format = formatOf(family);
  const template = createChatTemplate(ownFormats[family].template);

  test("is told by its template, which knows tools", () => {
    expect(format).toMatchObject({ family, hasTools: true, startsThinking: family === "deepseek" });
  });

  test("reads what its template writes, and writes the same", () => {
    const turn = { role: "assistant", content: null, tool_calls: [WEATHER] };
    const text = turnOf(template, turn, [ownFormats[family].end]);
    expect(format.parse(text, { prompt: "" })).toEqual({
      content: "",
      toolCalls: [WEATHER],
      reasoning: undefined,
      notes: [],
    });
    const written = squeezed(format.write([WEATHER]));
    expect(squeezed(text).replace(/,"id":"call00001"/, "")).toContain(written);
  });

  test("reads any calls that it writes", () => {
    const name = fc.string({ unit: fc.constantFrom(..."abc_-09"), minLength: 1, maxLength: 12 });
    const args = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 3 }), { maxKeys: 4 });
    fc.assert(
      fc.property(fc.array(fc.tuple(name, args), { minLength: 1, maxLength: 3 }), (made) => {
        fc.pre(made.every(([, given]) => !Object.hasOwn(given, "__proto__")));
        const calls = made.map(([called, given], i) => callOf(called, given, i + 1));
        const read = format.parse(format.write(calls), { prompt: "" });
        expect(read.notes).toEqual([]);
        expect(
          read.toolCalls.map((call) => [call.function.name, JSON.parse(call.function.arguments)]),
        ).toEqual(calls.map((call) => [call.function.name, JSON.parse(String(call.function.arguments))]));
      }),
      { numRuns: 50 },
    );
  });

  test("keeps what is no call", () => {
    for (const text of [
      "The weather is fine.",
      " \n Two blanks \n\n around ",
      "",
      "\n",
      'JSON such as {"a": 1} and [1, 2] is text.',
      "<tool",
      "[TOOL_",
      "<|",
      "Action",
      "Act",
      "{",
      "`",
      "<function",
      '{"name": "Bob"}',
    ]) {
      expect(format.parse(text, { prompt: "" }), text).toEqual({
        content: text,
        toolCalls: [],
        reasoning: undefined,
        notes:
          text === "{" && family === "llama3"
            ? expect.anything()
            : family === "llama3"
              ? expect.anything()
              : [],
      });
    }
  });
});

describe("variants that models write", () => {
  const one = (family: keyof typeof ownFormats, text: string) => {
    const { content, toolCalls, notes } = formatOf(family).parse(text, { prompt: "" });
    return {
      content,
      calls: toolCalls.map(({ function: called }) => `${called.name} ${called.arguments}`),
      notes,
    };
  };
  const AT = 'now {"zone":"utc"}';

  test.each([
    ["hermes", '<tool_call>{"name": "now", "arguments": {"zone": "utc"}}', "", [AT]],
    [
      "hermes",
      'Wait.\n<tool_call>\n{"name": "now", "arguments": "{\\"zone\\": \\"utc\\"}"}\n</tool_call>\n',
      "Wait.",
      [AT],
    ],
    [
      "hermes",
      '<tool_call>[{"name": "now", "parameters": {"zone": "utc"}}, {"name": "now"}]</tool_call>',
      "",
      [AT, "now {}"],
    ],
    ["hermes", 'a <tool_call>{"name":"now"}</tool_call> b', "a b", ["now {}"]],
    ["llama3", '<|python_tag|>{"name": "now", "parameters": {"zone": "utc"}}', "", [AT]],
    [
      "llama3",
      '{"type": "function", "name": "now", "parameters": {"zone": "utc"}}; {"name": "now", "parameters": {}}',
      "",
      [AT, "now {}"],
    ],
    ["llama3", '<|python_tag|>now.call(zone="utc")', "", [AT]],
    [
      "llama3",
      '<|python_tag|>now.call(zone="utc", n=2, flag=true)',
      "",
      ['now {"zone":"utc","n":2,"flag":true}'],
    ],
    ["llama3", "<|python_tag|>print(1 + 1)", "", ['code_interpreter {"code":"print(1 + 1)"}']],
    [
      "functionary",
      'I look.<function=now>{"zone": "utc"}</function><function=now>{}',
      "I look.",
      [AT, "now {}"],
    ],
    ["functionary", "<|python_tag|>{1: 2}[1]", "", ['python {"code":"{1: 2}[1]"}']],
    ["command-r", 'Action: ```json\n[{"tool_name": "now", "parameters": {"zone": "utc"}}]\n```', "", [AT]],
    [
      "command-r",
      'Plan.\nAction:\n```json\n[{"tool_name": "directly-answer", "parameters": {}}]\n```',
      "Plan.\n",
      [],
    ],
    ["deepseek", '<｜tool▁call▁begin｜>now<｜tool▁sep｜>{"zone": "utc"}<｜tool▁call▁end｜>', "", [AT]],
    ["mistral", '[TOOL_CALLS] [{"name": "now", "arguments": {"zone": "utc"}, "id": "abcdefghi"}]', "", [AT]],
    ["mistral", '[TOOL_CALLS]now[ARGS]{"zone": "utc"}[TOOL_CALLS]now{}', "", [AT, "now {}"]],
    ["mistral", '[TOOL_CALLS]now[CALL_ID]abcdefghi[ARGS]{"zone": "utc"}', "", [AT]],
    ["phi", '<|tool_call|>{"name": "now", "arguments": {"zone": "utc"}}', "", [AT]],
  ] as const)("%s: %s", (family, text, content, calls) => {
    expect(one(family, text)).toEqual({ content, calls, notes: [] });
  });

  test.each([
    ["hermes", '<tool_call>{"name": "now", "arguments": {"zone": "utc"}', /ends within a call/],
    ["hermes", "<tool_call>{'name': 'now'}</tool_call>", /not JSON/],
    ["hermes", '<tool_call>{"name": 3}</tool_call>', /without a name/],
    ["hermes", '<tool_call>{"name": "now", "arguments": [1]}</tool_call>', /arguments are no object/],
    ["hermes", "<tool_call>[1]</tool_call>", /no object/],
    ["hermes", "<tool_call>now()</tool_call>", /without a call/],
    ["hermes", `<tool_call>${"[".repeat(100)}`, /not JSON/],
    ["llama3", '{"a": 1}', /without a name/],
    ["llama3", '{"name": "Bob", "age": 3} is a record.', /arguments are no object/],
    ["functionary", "<function=now{}", /without a name/],
    ["command-r", "Action: none", /without a call/],
    ["deepseek", "<｜tool▁call▁begin｜>function", /without a call/],
    ["mistral", "[TOOL_CALLS] sorry, no.", /without a call/],
  ] as const)("malformed, %s: %s", (family, text, note) => {
    const { content, calls, notes } = one(family, text);
    expect({ content, calls }).toEqual({ content: text, calls: [] });
    expect(notes.join()).toMatch(note);
  });

  test("a good call behind a bad one is read", () => {
    expect(one("hermes", '<tool_call>{"name": <tool_call>{"name": "now"}</tool_call>')).toEqual({
      content: '<tool_call>{"name":',
      calls: ["now {}"],
      notes: ["a call that is not JSON"],
    });
  });
});

describe("thoughts", () => {
  test.each([
    ["<think>\nTwo.\n</think>\n\n4", undefined, "4", "Two."],
    [" <think>Two.</think>4", undefined, "4", "Two."],
    ["Two.\n</think>\n\n4", "<｜Assistant｜><think>\n", "4", "Two."],
    ["<think>\n\n</think>\n\n4", undefined, "4", undefined],
    ["<think>never ends", undefined, "", "never ends"],
    ["I say <think> and </think>.", undefined, "I say <think> and </think>.", undefined],
    ["<thinking>", undefined, "<thinking>", undefined],
  ])("%j after %j", (text, prompt, content, reasoning) => {
    expect(detectChatFormat(undefined).parse(text, { prompt })).toMatchObject({ content, reasoning });
  });

  test("whether a prompt opens one is told by the template where no prompt is given", () => {
    const { content, reasoning } = formatOf("deepseek").parse("Hm.\n</think>\n\nYes.");
    expect([content, reasoning]).toEqual(["Yes.", "Hm."]);
  });
});

const PARTS = [
  "<tool_call>",
  "</tool_call>",
  "<function=",
  "</function>",
  "<|python_tag|>",
  "Action:",
  "```json",
  "```",
  "[TOOL_CALLS]",
  "[ARGS]",
  "<｜tool▁calls▁begin｜>",
  "<｜tool▁call▁begin｜>",
  "function<｜tool▁sep｜>",
  "<｜tool▁call▁end｜>",
  "<|tool_call|>",
  '{"name": "now", "arguments": {"a": "}"}}',
  '{"name": "now", "parameters": {}}',
  "now",
  ">",
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\",
  ":",
  ",",
  ";",
  " ",
  "\n",
  "<think>",
  "</think>",
  "text",
  "<",
  "\ud800",
  "🦙",
  '"name"',
];

test.each(CALL_FAMILIES)(
  "whatever is written, however it is cut, streams to the same answer: %s",
  (family) => {
    const format = formatOf(family);
    const text = fc.array(fc.constantFrom(...PARTS), { maxLength: 14 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        text,
        fc.array(fc.nat({ max: 9 }), { maxLength: 40 }),
        fc.boolean(),
        (written, cuts, thinks) => {
          const options = { prompt: thinks ? "<think>" : "" };
          const whole = format.parse(written, options);
          const parser = format.parser(options);
          const deltas: AnswerDelta[] = [];
          let at = 0;
          for (const cut of cuts) deltas.push(...parser.push(written.slice(at, (at += cut))));
          deltas.push(...parser.push(written.slice(at)), ...parser.finish());
          expect(parser.answer).toEqual(whole);
          const joined = (type: string) =>
            deltas.map((d) => (d.type === type && "text" in d ? d.text : "")).join("");
          expect(joined("content")).toBe(whole.content);
          expect(joined("reasoning")).toBe(whole.reasoning ?? "");
          expect(deltas.flatMap((d) => (d.type === "tool-call" ? [d.call] : []))).toEqual(whole.toolCalls);
          if (whole.toolCalls.length === 0 && !/think>|｜/.test(written))
            expect(whole.content).toBe(thinks ? "" : written);
          expect([...parser.push("more"), ...parser.finish()]).toEqual([]);
        },
      ),
      { numRuns: 300 },
    );
  },
);

test.each(CALL_FAMILIES)("a long hostile answer takes linear time: %s", (family) => {
  const format = formatOf(family);
  const before = process.cpuUsage().user;
  for (const unit of [
    ...format.markers,
    "{",
    '{"',
    "[{",
    '<tool_call>{"a":"',
    "Action:```json[",
    "<think>",
    " ",
    "Action: ",
  ]) {
    const parser = format.parser({ prompt: "" });
    const chunk = unit.repeat(20);
    for (let i = 0; i < 2000; i++) parser.push(chunk);
    parser.finish();
    expect(parser.answer.notes.length).toBeLessThanOrEqual(16);
  }
  expect((process.cpuUsage().user - before) / 1000).toBeLessThan(4000);
});

describeWith(sharedData("templates"), "templates of well-known models", (folder) => {
  const ENDS = ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<｜end▁of▁sentence｜>", "<|START_OF_TURN_TOKEN|>"];
  const names: Readonly<Record<string, ChatFormat["family"]>> = {
    "CohereForAI-c4ai-command-r-plus-tool_use": "command-r",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use": "hermes",
    "Qwen-Qwen2.5-7B-Instruct": "hermes",
    "Qwen-Qwen3-0.6B": "hermes",
    "deepseek-ai-DeepSeek-R1-Distill-Llama-8B": "deepseek",
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B": "deepseek",
    "llama-cpp-deepseek-r1": "deepseek",
    "meetkai-functionary-medium-v3.1": "functionary",
    "meta-llama-Llama-3.1-8B-Instruct": "llama3",
    "meta-llama-Llama-3.2-3B-Instruct": "llama3",
    "meta-llama-Llama-3.3-70B-Instruct": "llama3",
    "google-gemma-2-2b-it": "none",
    "microsoft-Phi-3.5-mini-instruct": "none",
  };

  test.each(Object.entries(names))("%s is %s, and what it writes is read", (name, family) => {
    const source = readFileSync(`${folder}/${name}.jinja`, "utf8");
    const format = detectChatFormat(source);
    // DeepSeek's own templates show calls, but no tools.
    const hasTools = family !== "none" && !name.startsWith("deepseek-ai");
    expect(format).toMatchObject({ family, hasTools, startsThinking: family === "deepseek" });
    const template = createChatTemplate(source);
    if (family === "none") {
      expect(callStyleOf(template)).toBeUndefined();
      return;
    }
    // Whatever form an app passes.
    const { name: called, arguments: args } = WEATHER.function;
    for (const content of [null, "", "I look."]) {
      for (const given of [String(args), JSON.parse(String(args))]) {
        const call = { ...WEATHER, function: { name: called, arguments: given } };
        const text = turnOf(template, { role: "assistant", content, tool_calls: [call] }, ENDS);
        expect(format.parse(text, { prompt: "" }), text).toMatchObject({ toolCalls: [WEATHER], notes: [] });
        expect(squeezed(text)).toContain(squeezed(format.write([call])).replace(/<｜tool▁calls▁end｜>$/, ""));
      }
    }
  });
});
