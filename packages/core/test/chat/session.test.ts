import { describe, expect, it } from "vitest";
import { detectChatFormat } from "../../src/chat/format/index.js";
import type { ChatMessage, TemplateOptions } from "../../src/chat/messages.js";
import { ChatSession } from "../../src/chat/session.js";
import type { ChatOptions } from "../../src/chat/session-types.js";
import { MilletError } from "../../src/errors.js";
import { Engine } from "../../src/generate/engine.js";
import type { GenerateOptions } from "../../src/generate/options.js";
import { resolveOptions } from "../../src/generate/resolve-options.js";
import type { RenderedPrompt } from "../../src/generate/result.js";
import { startGeneration } from "../../src/generate/stream.js";
import { MockModel, type MockOptions, supplyOf } from "../generate/mock-model.js";

const VOCABULARY = 128;
const END = "\n".charCodeAt(0);

/** Every ASCII character is a token; "system: x|user: y|assistant: " is the template. */
function render(messages: readonly ChatMessage[], { tools = [] }: TemplateOptions = {}): RenderedPrompt {
  const calls = ({ tool_calls: made = [] }: ChatMessage) =>
    made.map(({ id, function: called }) => `${id} ${called.name} ${called.arguments}`);
  const turn = (message: ChatMessage) =>
    `${message.role}: ${[message.content ?? "", ...calls(message)].join("+")}|`;
  const offered = tools.length > 0 ? `tools: ${tools.map((tool) => tool.function.name)}|` : "";
  const text = `${offered}${messages.map(turn).join("")}assistant: `;
  return { text, tokenIds: Array.from(text, (character) => character.charCodeAt(0)) };
}

function create(options: ChatOptions = {}, mock: MockOptions = {}) {
  const model = new MockModel({ vocabulary: VOCABULARY, contextLength: 1024, maxBlocks: 128, ...mock });
  const engine = new Engine(supplyOf(model), model.shape);
  const host = {
    contextLength: engine.contextLength,
    format: detectChatFormat("<tool_call>"),
    render,
    generate(prompt: () => RenderedPrompt, given: GenerateOptions, owner: object) {
      const facts = { vocabularySize: VOCABULARY, endOfGenerationIds: [END] };
      const resolved = resolveOptions(facts, { seed: 1, maxTokens: 6 }, given);
      const decoder = { push: (id: number) => String.fromCharCode(id), end: () => "" };
      return startGeneration(
        async (emit, signal) =>
          engine.generate({ prompt: prompt(), options: resolved, decoder }, emit, signal, owner),
        given.signal,
      );
    },
    forget: (owner: object) => engine.forget(owner),
  };
  return { chat: new ChatSession(host, options), model, host };
}

const FREE = { ignoreEndOfGeneration: true };

describe("ChatSession", () => {
  it("keeps the history and renders all of it", async () => {
    const { chat } = create({ system: "Be brief." });
    const first = await chat.send("Hi").result;
    expect(first.prompt.text).toBe("system: Be brief.|user: Hi|assistant: ");
    expect(chat.messages).toEqual([
      { role: "user", content: "Hi" },
      { role: "assistant", content: first.text },
    ]);
    const second = await chat.send("And?").result;
    expect(second.prompt.text).toBe(
      `system: Be brief.|user: Hi|assistant: ${first.text}|user: And?|assistant: `,
    );
    expect(chat.messages.length).toBe(4);
  });

  it("has the answer in the history when its stream has ended", async () => {
    const { chat } = create();
    let text = "";
    for await (const piece of chat.send("Hi", FREE)) text += piece;
    expect(chat.messages.at(-1)).toEqual({ role: "assistant", content: text });
  });

  it("computes only what is new in a turn", async () => {
    const { chat } = create();
    const first = await chat.send("Hi", FREE).result;
    const second = await chat.send("And?", FREE).result;
    const known = first.prompt.tokenIds.length + first.tokenIds.length - 1; // the last token was never computed
    expect(second.reusedTokens).toBe(known);
    const alone = create({ messages: chat.messages.slice(0, 2) }).chat;
    expect((await alone.send("And?", FREE).result).text).toBe(second.text);
  });

  it("goes on from earlier turns, takes other roles, and applies its own defaults", async () => {
    const messages = [
      { role: "user", content: "a" },
      { role: "assistant", content: "b" },
    ];
    const { chat } = create({ messages, generation: { maxTokens: 2, ...FREE } });
    const { prompt, tokenIds } = await chat.send({ role: "tool", content: "42" }).result;
    expect(prompt.text).toBe("user: a|assistant: b|tool: 42|assistant: ");
    expect(tokenIds.length).toBe(2);
    expect((await chat.send("x", { maxTokens: 3 }).result).tokenIds.length).toBe(3);
  });

  it("does not see later changes to the caller's objects, nor gives its own away", async () => {
    const message = { role: "user", content: "one" };
    const { chat } = create({ messages: [message] });
    const before = chat.messages;
    message.content = "two";
    await chat.send("x").result;
    expect(chat.messages[0]).toEqual({ role: "user", content: "one" });
    expect(before.length).toBe(1);
  });

  it("changes the system message from the next turn on", async () => {
    const { chat } = create({ system: "A" });
    chat.system = "B";
    expect((await chat.send("x").result).prompt.text).toBe("system: B|user: x|assistant: ");
    chat.system = undefined;
    expect((await chat.send("y").result).prompt.text).toMatch(/^user: x/);
  });

  it("answers once at a time", async () => {
    const { chat } = create();
    const answer = chat.send("x");
    expect(() => chat.send("y")).toThrow(expect.objectContaining({ code: "SESSION_BUSY" }));
    expect(() => chat.reset()).toThrow(expect.objectContaining({ code: "SESSION_BUSY" }));
    await answer.result;
    await chat.send("y").result;
    expect(chat.messages.length).toBe(4);
  });

  it("keeps an aborted answer as far as it came, and goes on", async () => {
    const { chat } = create({}, { delayMs: 1 });
    const stream = chat.send("x", { maxTokens: 500, ...FREE });
    let text = "";
    for await (const piece of stream) {
      text += piece;
      if (text.length === 4) stream.abort();
    }
    expect((await stream.result).finishReason).toBe("aborted");
    expect(chat.messages.at(-1)).toEqual({ role: "assistant", content: text });
    const next = await chat.send("go on").result;
    expect(next.prompt.text).toContain(`assistant: ${text}|user: go on|`);
    expect(next.reusedTokens).toBeGreaterThan(0);
  });

  it("leaves the history as it was if an answer is aborted before its first text, or fails", async () => {
    const { chat, model, host } = create({ system: "S" });
    await chat.send("x").result;
    const before = chat.messages;
    await chat.send("y", { signal: AbortSignal.abort() }).result;
    expect(chat.messages).toBe(before);
    model.failures.push(new MilletError("BACKEND_FAILED", "A kernel failed."));
    await expect(chat.send("y").result).rejects.toMatchObject({ code: "BACKEND_FAILED" });
    expect(chat.messages).toBe(before);
    host.render = () => {
      throw new MilletError("TEMPLATE_FAILED", "No.");
    };
    await expect(chat.send("y").result).rejects.toMatchObject({ code: "TEMPLATE_FAILED" });
    host.render = render;
    await chat.send("y").result;
    expect(chat.messages.length).toBe(4);
  });

  it("refuses what does not fit, and says so", async () => {
    const { chat } = create({}, { contextLength: 32 });
    await expect(chat.send("x".repeat(40)).result).rejects.toMatchObject({ code: "CONTEXT_FULL" });
    expect(chat.messages).toEqual([]);
  });

  it("slides by whole turns, keeps the system message, and keeps the history", async () => {
    const generation = { onContextFull: "slide", maxTokens: 4, ...FREE } as const;
    const { chat } = create({ system: "S", generation }, { contextLength: 160 });
    const prompts: RenderedPrompt[] = [];
    for (let turn = 0; turn < 12; turn++) prompts.push((await chat.send(`question ${turn}`).result).prompt);
    expect(chat.messages.length).toBe(24);
    for (const { text, tokenIds } of prompts) {
      expect(text).toMatch(/^system: S\|user: question/);
      expect(tokenIds.length).toBeLessThanOrEqual(120);
    }
    expect(prompts.at(-1)!.text).not.toContain("question 2|");
    expect(prompts.at(-1)!.text).toContain("question 10|");
    // Between two cuts a prompt goes on where the one before ended, so that its rows are reused.
    const continued = prompts.filter((p, i) => i > 0 && p.text!.startsWith(prompts[i - 1]!.text!));
    expect(continued.length).toBeGreaterThanOrEqual(6);
  });

  it("forgets its turns on reset, and their rows in the cache", async () => {
    const { chat } = create({ system: "S" });
    await chat.send("x", FREE).result;
    chat.reset();
    expect(chat.messages).toEqual([]);
    expect(chat.system).toBe("S");
    expect((await chat.send("x", FREE).result).reusedTokens).toBe(0);
  });

  it("forks: both go on without each other, over one cached beginning", async () => {
    const { chat } = create();
    await chat.send("x", FREE).result;
    const fork = chat.fork();
    const [a, b] = await Promise.all([chat.send("left", FREE).result, fork.send("right", FREE).result]);
    expect(chat.messages[2]!.content).toBe("left");
    expect(fork.messages[2]!.content).toBe("right");
    expect(Math.max(a.reusedTokens, b.reusedTokens)).toBeGreaterThan(10);
    const alone = create({ messages: fork.messages.slice(0, 2) }).chat;
    expect((await alone.send("right", FREE).result).text).toBe(b.text);
  });

  it("stops its answer on dispose and takes no more", async () => {
    const { chat } = create({}, { delayMs: 2 });
    const answer = chat.send("x", { maxTokens: 500, ...FREE });
    await chat.dispose();
    expect((await answer.result).finishReason).toBe("aborted");
    expect(() => chat.send("y")).toThrow(expect.objectContaining({ code: "DISPOSED" }));
    await chat.dispose();
  });

  it("refuses what is no message", () => {
    const broken: ChatMessage = JSON.parse('{ "role": "user", "content": null }');
    expect(() => create({ messages: [broken] })).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT" }),
    );
    expect(() => create().chat.send(broken)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
