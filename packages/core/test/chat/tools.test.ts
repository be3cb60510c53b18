/** Conversations with tools: what the model is shown, what its answers become, and what is refused. */
import { describe, expect, it } from "vitest";
import { createAnswerDecoder } from "../../src/chat/answer-decoder.js";
import { detectChatFormat } from "../../src/chat/format/index.js";
import type { ChatMessage, TemplateOptions, ToolDefinition } from "../../src/chat/messages.js";
import { createChatRenderer } from "../../src/chat/render-chat.js";
import { ChatSession } from "../../src/chat/session.js";
import type { ChatOptions } from "../../src/chat/session-types.js";
import type { GenerationResult } from "../../src/generate/result.js";
import { startGeneration } from "../../src/generate/stream.js";
import { createTokenizer } from "../../src/tokenizer/index.js";
import { smallBpe } from "../tokenizer/small-vocabularies.js";
import ownFormats from "./own-formats.json" with { type: "json" };

const NOW: ToolDefinition = {
  type: "function",
  function: { name: "now", description: "The time.", parameters: { type: "object", properties: {} } },
};
const ZONE = '{"zone":"utc"}';
const call = (id: string, args: string | object = ZONE) => ({
  id,
  type: "function" as const,
  function: { name: "now", arguments: args as string },
});
const HERMES_CALL = '<tool_call>\n{"name": "now", "arguments": {"zone": "utc"}}\n</tool_call>';
const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
const tokenizer = createTokenizer(smallBpe());

/** A conversation whose model gives these answers; prompts are what the template makes. */
function create(
  answers: readonly string[],
  options: ChatOptions = {},
  family: keyof typeof ownFormats = "hermes",
) {
  const source = ownFormats[family].template;
  const render = createChatRenderer(source, tokenizer, undefined);
  const prompts: string[] = [];
  const kept: boolean[] = [];
  let next = 0;
  const host = {
    contextLength: 4096,
    format: detectChatFormat(source),
    render: (messages: readonly ChatMessage[], given: TemplateOptions) => render(messages, given),
    generate(
      prompt: () => { text: string | undefined; tokenIds: readonly number[] },
      _: object,
      __: object,
      keeps: boolean,
    ) {
      return startGeneration(async (emit) => {
        const rendered = prompt();
        prompts.push(rendered.text!);
        kept.push(keeps);
        const text = answers[next++]!;
        emit({ text, tokenIds: [], logprobs: undefined });
        const result: Partial<GenerationResult> = { text, prompt: rendered, finishReason: "stop" };
        return result as GenerationResult;
      }, undefined);
    },
    forget: () => {},
  };
  return { chat: new ChatSession(host, options), prompts, kept };
}

describe("a conversation with tools", () => {
  it("shows tools, keeps calls apart, and takes their results", async () => {
    const answers = [`Let me look.\n${HERMES_CALL}\n${HERMES_CALL}`, HERMES_CALL, "It is noon."];
    const { chat, prompts, kept } = create(answers, { tools: [NOW] });
    await chat.send("What time is it?").result;
    expect(prompts[0]).toContain(
      '{"type": "function", "function": {"name": "now", "description": "The time."',
    );
    expect(chat.messages[1]).toEqual({
      role: "assistant",
      content: "Let me look.",
      tool_calls: [call("call00001"), call("call00002")],
    });
    const results = ["call00001", "call00002"].map((id) => ({
      role: "tool",
      content: "noon",
      tool_call_id: id,
    }));
    await chat.send(results).result;
    expect(prompts[1]).toContain(
      `Let me look.\n${HERMES_CALL}\n${HERMES_CALL}<|im_end|>\n<|im_start|>tool\nnoon`,
    );
    expect(chat.messages.at(-1)).toEqual({
      role: "assistant",
      content: null,
      tool_calls: [call("call00003")],
    });
    await chat.send({ role: "tool", content: "noon", tool_call_id: "call00003" }).result;
    expect(chat.messages.map(({ role }) => role).join()).toBe(
      "user,assistant,tool,tool,assistant,tool,assistant",
    );
    expect(chat.messages.at(-1)).toEqual({ role: "assistant", content: "It is noon." });
    expect(kept).toEqual([true, true, true]);
  });

  it("keeps thoughts apart with tools, and in the text without", async () => {
    const answers = ["<think>\nHm.\n</think>\n\nYes.", "<think>\nHm.\n</think>\n\nYes."];
    const { chat } = create(answers, { tools: [NOW] });
    await chat.send("x").result;
    expect(chat.messages[1]).toEqual({ role: "assistant", content: "Yes.", reasoning_content: "Hm." });
    chat.tools = undefined;
    await chat.send("y").result;
    expect(chat.messages[3]).toEqual({ role: "assistant", content: answers[1] });
  });

  it("goes on in a thought that the prompt has opened", async () => {
    const { chat } = create(["Hm.\n</think>\n\nYes."], { tools: [NOW] }, "deepseek");
    await chat.send("x").result;
    expect(chat.messages[1]).toEqual({ role: "assistant", content: "Yes.", reasoning_content: "Hm." });
  });

  it("changes its tools from the next turn on, takes template variables, and forks with both", async () => {
    const { chat, prompts } = create(["a", "b", "c"], { templateVariables: { bos_token: "[X]" } }, "mistral");
    await chat.send("x").result;
    chat.tools = [NOW];
    await chat.send("y").result;
    await chat.fork().send("z").result;
    expect(prompts.map((prompt) => prompt.includes("[AVAILABLE_TOOLS]"))).toEqual([false, true, true]);
  });

  it("leaves calls in the text where there are no tools", async () => {
    const { chat, kept } = create([HERMES_CALL]);
    await chat.send("x").result;
    expect(chat.messages[1]).toEqual({ role: "assistant", content: HERMES_CALL });
    expect(kept).toEqual([false]);
  });
});

describe("messages with calls", () => {
  const asked: ChatMessage = { role: "user", content: "?" };
  const text = (family: keyof typeof ownFormats, content: string | null, args: string | object) => {
    const message = { role: "assistant", content, tool_calls: [call("abcdefghi", args)] };
    return createChatRenderer(ownFormats[family].template, tokenizer, undefined)([asked, message]).text;
  };

  it.each(["hermes", "llama3", "functionary", "command-r", "deepseek", "mistral", "phi"] as const)(
    "are rendered alike with arguments as text or object, content null or empty: %s",
    (family) => {
      const first = text(family, null, { zone: "utc" });
      expect(first).toMatch(/"zone":\s*"utc"/);
      expect(first).not.toContain("None");
      for (const content of [null, ""]) {
        expect(text(family, content, { zone: "utc" })).toBe(first);
        expect(text(family, content, '{"zone": "utc"}')).toBe(first);
      }
      // Content never takes the place of calls, even where the template has room for one of them.
      expect(text(family, "I look.", { zone: "utc" })).toMatch(/"zone":\s*"utc"/);
    },
  );

  it("gives tool messages the name of the tool that they answer", () => {
    const source = "{% for m in messages %}{{ m.role }}:{{ m.name|default('-') }} {% endfor %}";
    const messages = [
      asked,
      { role: "assistant", content: null, tool_calls: [call("abcdefghi")] },
      { role: "tool", content: "1", tool_call_id: "abcdefghi" },
      { role: "tool", content: "1", tool_call_id: "other" },
      { role: "tool", content: "1", name: "own" },
    ];
    expect(createChatRenderer(source, tokenizer, undefined)(messages).text).toBe(
      "user:- assistant:- tool:now tool:- tool:own ",
    );
  });

  it("are refused when they are none", () => {
    const { chat } = create([]);
    const bad: unknown[] = [
      null,
      "x".length,
      { role: 1, content: "x" },
      { role: "assistant", content: null },
      { role: "assistant", content: null, tool_calls: {} },
      { role: "assistant", content: null, tool_calls: [null] },
      { role: "assistant", content: null, tool_calls: [{ function: { name: "f" } }] },
      { role: "assistant", content: null, tool_calls: [{ id: 1, function: { name: "f", arguments: "{}" } }] },
      { role: "tool", content: "x", tool_call_id: 7 },
      { role: "user", content: ["x"] },
    ];
    for (const message of bad) {
      expect(() => chat.send(message as ChatMessage), JSON.stringify(message)).toThrow(refused);
    }
    expect(() => chat.send([])).toThrow(refused);
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    for (const tools of [{}, ["x"], [{ name: "f" }], [{ function: circular }]]) {
      expect(() => create([], { tools: tools as ToolDefinition[] })).toThrow(refused);
    }
  });

  it("does not see later changes to the caller's objects", () => {
    const args = { zone: "utc" };
    const { chat } = create([], {
      messages: [{ role: "assistant", content: null, tool_calls: [call("a", args)] }],
    });
    args.zone = "cet";
    expect(chat.messages[0]!.tool_calls![0]!.function.arguments).toEqual({ zone: "utc" });
  });
});

describe("an answer's decoder", () => {
  it("keeps the control tokens that mark calls, and no others", () => {
    const ids = tokenizer.encode("he<|im_start|>llo<|im_end|>", { parseSpecial: true, addBos: false });
    const decoded = (markers: readonly string[]) => {
      const decoder = createAnswerDecoder(tokenizer, markers);
      return ids.map((id) => decoder.push(id)).join("") + decoder.end();
    };
    expect(decoded([])).toBe("hello");
    expect(decoded(["<think>", "no token"])).toBe("hello");
    expect(decoded(["<|im_start|>"])).toBe("he<|im_start|>llo");
  });
});
