/** A chat at a terminal and by lines, with a model that answers from a script. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MilletError } from "@millet/core";
import { afterAll, describe, expect, test } from "vitest";
import { Conversation } from "../src/chat/conversation.js";
import { chatAtTerminal } from "../src/chat/interactive.js";
import { chatByLines } from "../src/chat/piped.js";
import { fakeModel } from "./support/fake-model.js";
import { FakeTerminal } from "./support/fake-terminal.js";

const folder = mkdtempSync(join(tmpdir(), "millet-chat-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A running chat whose model echoes; "wait" waits for Ctrl-C, "fail" fails. */
function start() {
  const terminal = new FakeTerminal();
  const model = fakeModel({
    answer: (message) => {
      if (message === "fail") return new MilletError("CONTEXT_FULL", "no room");
      return message === "wait" ? "some words …more" : `You said: ${message}`;
    },
  });
  const conversation = new Conversation({ name: "Fake", model }, undefined, {});
  const signal = new AbortController().signal;
  const ended = chatAtTerminal(conversation, terminal.io, signal);
  return { terminal, conversation, ended };
}

describe("at a terminal", () => {
  test("answers stream, the history grows, Ctrl-D leaves and gives the terminal back", async () => {
    const { terminal, conversation, ended } = start();
    await terminal.type("hello\r");
    await terminal.shows("You said: hello");
    await terminal.type("\x1b[200~two\nlines\x1b[201~\r");
    await terminal.shows("You said: two\nlines");
    await terminal.type("\x04");
    await ended;
    expect(conversation.messages.map(({ content }) => content)).toEqual([
      "hello",
      "You said: hello",
      "two\nlines",
      "You said: two\nlines",
    ]);
    expect(terminal.input.isRaw).toBe(false);
    expect(terminal.written).satisfy((text: string) => text.endsWith("\x1b[?2004l"));
  });

  test("Ctrl-C stops the answer and not the program; at an empty prompt the second one leaves", async () => {
    const { terminal, conversation, ended } = start();
    await terminal.type("wait\r");
    await terminal.shows("some words");
    await terminal.type("\x03");
    await terminal.shows("(stopped)");
    expect(conversation.messages.at(-1)?.content).toBe("some words ");
    await terminal.type("again\r");
    await terminal.shows("You said: again");
    await terminal.type("\x03");
    await terminal.shows("(Ctrl-C again leaves)");
    await terminal.type("x\x03"); // throws the x away, and the count starts anew
    await terminal.type("\x03");
    await terminal.type("\x03");
    await ended;
  });

  test("what is typed ahead waits for the prompt, and Ctrl-C forgets it", async () => {
    const { terminal, conversation, ended } = start();
    await terminal.type("one\rtwo\rthr");
    await terminal.type("ee\r");
    await terminal.shows("You said: three");
    await terminal.type("wait\r");
    await terminal.shows("some words");
    await terminal.type("forgotten\r\x03");
    await terminal.shows("(stopped)");
    await terminal.type("\x04");
    await ended;
    const sent = conversation.messages.filter(({ role }) => role === "user").map(({ content }) => content);
    expect(sent).toEqual(["one", "two", "three", "wait"]);
  });

  test("an error is told and the chat goes on", async () => {
    const { terminal, ended } = start();
    await terminal.type("fail\r");
    await terminal.shows("CONTEXT_FULL: no room");
    await terminal.type("still there?\r");
    await terminal.shows("You said: still there?");
    await terminal.type("/exit\r");
    await ended;
  });

  test("/system, /reset, /stats, /help and a command that does not exist", async () => {
    const { terminal, conversation, ended } = start();
    await terminal.type("/system Be brief.\r");
    await terminal.shows("System message: Be brief.");
    await terminal.type("hello\r");
    await terminal.shows("You said: hello");
    await terminal.type("/stats\r");
    await terminal.shows("1, 3 tokens in 110 ms, 27.3 tokens/s");
    await terminal.type("/reset\r");
    await terminal.shows("The conversation starts anew.");
    expect(conversation.messages).toEqual([]);
    expect(conversation.system).toBe("Be brief.");
    await terminal.type("/system off\r");
    await terminal.shows("The model's own system message applies.");
    await terminal.type("/foo\r");
    await terminal.shows("There is no /foo: /help shows the commands.");
    await terminal.type("/help\r");
    await terminal.shows("/save [file]");
    await terminal.type("/etc/passwd is a file\r"); // no command
    await terminal.shows("You said: /etc/passwd is a file");
    await terminal.type("/bye\r");
    await ended;
  });

  test("/save and /load keep a conversation; nothing is overwritten", async () => {
    const path = join(folder, "chat.json");
    const first = start();
    await first.terminal.type("hello\r");
    await first.terminal.shows("You said: hello");
    await first.terminal.type(`/save ${path}\r`);
    await first.terminal.shows(`Saved 2 messages to ${path}.`);
    await first.terminal.type(`/save ${path}\r`);
    await first.terminal.shows("EEXIST");
    await first.terminal.type("\x04");
    await first.ended;
    expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
      model: "Fake",
      messages: [{ role: "user" }, {}],
    });

    const second = start();
    await second.terminal.type(`/load ${path}\r`);
    await second.terminal.shows("Loaded 2 messages");
    expect(second.conversation.messages[1]?.content).toBe("You said: hello");
    writeFileSync(path, '{"messages": [{"role": "user"}]}');
    await second.terminal.type(`/load ${path}\r`);
    await second.terminal.shows("is no saved conversation");
    await second.terminal.type("/load nowhere.json\r");
    await second.terminal.shows("SOURCE_NOT_FOUND: nowhere.json does not exist");
    expect(second.conversation.messages).toHaveLength(2);
    await second.terminal.type("\x04");
    await second.ended;
  });

  test("what a model says cannot drive the terminal", async () => {
    const terminal = new FakeTerminal();
    const model = fakeModel({ answer: () => "\x1b[2Jgone?\x07" });
    const ended = chatAtTerminal(
      new Conversation({ name: "Fake", model }, undefined, {}),
      terminal.io,
      new AbortController().signal,
    );
    await terminal.type("hi\r");
    await terminal.shows("\ufffd[2Jgone?\ufffd");
    expect(terminal.written).not.toContain("\x1b[2J");
    await terminal.type("\x04");
    await ended;
  });
});

describe("by lines", () => {
  async function answers(input: string, json: boolean): Promise<string> {
    const terminal = new FakeTerminal({ isTerminal: false });
    const conversation = new Conversation(
      { name: "Fake", model: fakeModel({ answer: (message) => `<${message}>` }) },
      undefined,
      {},
    );
    terminal.input.end(input);
    await chatByLines(conversation, terminal.io, new AbortController().signal, { json });
    return terminal.written;
  }

  test("each line is a message and each answer a paragraph", async () => {
    expect(await answers("one\n\n/reset\ntwo\r\n", false)).toBe("<one>\n\n<two>\n\n");
  });

  test("with --json each answer is a line", async () => {
    const lines = (await answers("one\ntwo", true)).trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { model: "Fake", text: "<one>", finishReason: "stop", sampler: { seed: 7, logitBias: {} } },
      { text: "<two>" },
    ]);
  });
});
