/** Rendering equals Python's Jinja2 as transformers sets it up; fixtures.json is made by render.py. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { createChatTemplate, type TemplateInput } from "../../src/chat/template.js";
import conversations from "./conversations.json" with { type: "json" };
import fixtures from "./fixtures.json" with { type: "json" };
import ownTemplates from "./own-templates.json" with { type: "json" };

const FIXED = { bosToken: "<BOS>", eosToken: "<EOS>", now: new Date(2026, 10, 5, 9, 7, 3) };
const inputs: Record<string, TemplateInput> = conversations;
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** Where we render and Python fails: a list that `map` made, written as JSON (there a generator). */
const LENIENT = new Set(["llama-cpp-deepseek-r1.jinja tools", "llama-cpp-deepseek-r1.jinja tool call"]);

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

describeWith(sharedData("templates"), "templates of well-known models", (folder) => {
  const expected: Record<string, Record<string, string>> = fixtures.templates;

  test("the fixtures cover every template there", () => {
    expect(
      readdirSync(folder)
        .filter((name) => name.endsWith(".jinja"))
        .sort(),
    ).toEqual(Object.keys(expected).sort());
  });

  test.each(Object.keys(expected))("%s", (name) => {
    const template = createChatTemplate(readFileSync(`${folder}/${name}`, "utf8"));
    for (const [conversation, digest] of Object.entries(expected[name]!)) {
      const input = { ...inputs[conversation]!, ...FIXED };
      const what = `${name} ${conversation}`;
      if (LENIENT.has(what)) {
        expect(digest).toBe("error");
        expect(template.render(input)).toContain("get_weather");
      } else if (digest === "error") {
        expect(() => template.render(input), what).toThrow(
          expect.objectContaining({ code: "TEMPLATE_FAILED" }),
        );
      } else {
        const text = template.render(input);
        expect(sha256(text), `${what}: ${text}`).toBe(digest);
        const joined = template.renderSegments(input).map((segment) => segment.text);
        expect(joined.join(""), what).toBe(text);
      }
    }
  });
});
