/** Rendering equals Python's Jinja2 as transformers sets it up; fixtures.json is made by render.py. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { createChatTemplate, type TemplateInput } from "../../src/chat/template.js";
import conversations from "./conversations.json" with { type: "json" };
import fixtures from "./fixtures.json" with { type: "json" };
import ownChats from "./own-chats.json" with { type: "json" };
import ownTemplates from "./own-templates.json" with { type: "json" };

const FIXED = { bosToken: "<BOS>", eosToken: "<EOS>", now: new Date(2026, 10, 5, 9, 7, 3) };
const inputs: Record<string, TemplateInput> = conversations;
const digestOf = (text: string) => createHash("sha256").update(text).digest("hex").slice(0, 32);
const refused = expect.objectContaining({ code: "TEMPLATE_FAILED" });

/** Where we render and Python fails: it writes no list that `map` made as JSON, since there it is a generator. */
const isLenient = (name: string, { tools }: TemplateInput) =>
  name === "llama-cpp-deepseek-r1.jinja" && tools !== undefined;

describe("templates of our own", () => {
  test.each(ownTemplates.map((source, i) => [source, fixtures.own[i]!] as const))(
    "%s",
    (source, expected) => {
      const template = createChatTemplate(source);
      const input = { ...inputs.turns!, ...FIXED };
      expect(template.render(input)).toBe(expected);
      const segments = template.renderSegments(input);
      expect(segments.map(({ text }) => text).join("")).toBe(expected);
    },
  );
});

describe("chats through templates of our own", () => {
  const expected: Record<string, Record<string, string | object>> = fixtures.chats;

  test.each(Object.entries(ownChats))("%s", (name, lines) => {
    const template = createChatTemplate(lines.join("\n"));
    expect(Object.keys(expected[name]!)).toEqual(Object.keys(inputs));
    for (const [conversation, text] of Object.entries(expected[name]!)) {
      const render = () => template.render({ ...inputs[conversation]!, ...FIXED });
      if (typeof text === "string") expect(render(), conversation).toBe(text);
      else expect(render, conversation).toThrow(refused);
    }
  });
});

describeWith(sharedData("templates"), "templates of well-known models", (folder) => {
  const expected: Record<string, Record<string, string>> = fixtures.templates;

  test("the fixtures cover every template there, and every conversation", () => {
    const names = readdirSync(folder).filter((name) => name.endsWith(".jinja"));
    expect(names.sort()).toEqual(Object.keys(expected).sort());
    for (const name of names) expect(Object.keys(expected[name]!)).toEqual(Object.keys(inputs));
  });

  test.each(Object.keys(expected))("%s", (name) => {
    const template = createChatTemplate(readFileSync(`${folder}/${name}`, "utf8"));
    for (const [conversation, digest] of Object.entries(expected[name]!)) {
      const input = { ...inputs[conversation]!, ...FIXED };
      const what = `${name} ${conversation}`;
      if (digest !== "error") {
        const text = template.render(input);
        expect(digestOf(text), `${what}: ${text}`).toBe(digest);
        const joined = template.renderSegments(input).map((segment) => segment.text);
        expect(joined.join(""), what).toBe(text);
      } else if (!isLenient(name, input)) {
        expect(() => template.render(input), what).toThrow(refused);
      }
    }
  });
});
