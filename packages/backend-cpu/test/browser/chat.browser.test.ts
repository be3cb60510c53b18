/**
 * The shipped model in a real browser, over HTTP ranges: with several threads where the page is cross-origin isolated,
 * with one worker where it is not. The page's own thread never computes and an answer stops when it is told to.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { model } from "@millet/model-smollm2-135m-instruct";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, describeWith } from "../../../../test/support/availability.js";
import { launchBrowser } from "../../../../test/support/browser.js";
import { type Content, type StaticServer, serve } from "../../../../test/support/static-server.js";
import { PAGE_HTML } from "./document.js";
import type { AnswerRequest, LoadReport } from "./page.js";

/** A folder for pictures of the pages, to look at; none are taken without it. */
const PICTURES = process.env.MILLET_PICTURES;

const QUESTION: AnswerRequest = { prompt: "What is the capital of France?", maxTokens: 64 };
const LONG_STORY: AnswerRequest = {
  prompt: "Tell me a very long story about a lighthouse.",
  maxTokens: 1000,
};
/** About 1,500 tokens: more than a second of prefill anywhere. */
const LONG_PROMPT = `Summarize: ${"The quick brown fox jumps over the lazy dog. ".repeat(150)}`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "error",
  });
  return outputFiles[0]!.text;
}

describeWith(browser(), "the shipped model in a browser", (executable) => {
  let chromium: Browser;
  let script: string;

  beforeAll(async () => {
    script = await bundle();
    chromium = await launchBrowser(executable);
  });
  afterAll(() => chromium?.close());

  describe.each([{ isolated: true }, { isolated: false }])("isolated: $isolated", ({ isolated }) => {
    let server: StaticServer;
    let page: Page;
    let report: LoadReport;
    const problems: string[] = [];

    beforeAll(async () => {
      const shards = model.files.map(
        ({ name, location }) => [`/${name}`, { file: fileURLToPath(location) }] as const,
      );
      const contents: Record<string, Content> = {
        "/": { type: "text/html", text: PAGE_HTML },
        "/page.js": { type: "text/javascript", text: script },
        "/favicon.ico": { type: "image/x-icon", text: "" },
        ...Object.fromEntries(shards),
      };
      server = await serve(contents, { isolated });
      page = await chromium.newPage({ viewport: { width: 900, height: 560 } });
      page.on("pageerror", (error) => problems.push(String(error)));
      page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      await page.goto(server.origin);
      report = await page.evaluate(() => window.millet.load());
    });
    afterAll(async () => {
      if (PICTURES !== undefined) {
        mkdirSync(PICTURES, { recursive: true });
        await page?.screenshot({ path: join(PICTURES, isolated ? "isolated.png" : "not-isolated.png") });
      }
      await page?.close();
      await server?.close();
    });

    test("says how many threads serve, and why not more", () => {
      expect(report.isIsolated).toBe(isolated);
      if (isolated) expect(report.threads).toBeGreaterThan(1);
      else expect(report.threads).toBe(1);
      const aboutIsolation = report.limitations.filter((text) => /cross-origin isolat/i.test(text));
      expect(aboutIsolation).toHaveLength(isolated ? 0 : 1);
      expect(report.phases).toEqual(["open", "download", "weights", "ready"]);
    });

    test("loads every shard by few ranges", () => {
      expect([...server.ranges.keys()].sort()).toEqual(model.files.map(({ name }) => `/${name}`));
      expect(Math.max(...server.ranges.values())).toBeLessThanOrEqual(6);
    });

    test("aborts within 200 ms while it writes, and while it reads a prompt", async () => {
      const writing = await page.evaluate((request) => window.millet.answer(request), {
        ...LONG_STORY,
        abortAfterChunks: 8,
      });
      expect(writing).toMatchObject({ finishReason: "aborted" });
      expect(writing.chunks).toBeGreaterThanOrEqual(8);
      expect(writing.abortMs).toBeLessThan(200);
      const reading = await page.evaluate((request) => window.millet.answer(request), {
        prompt: LONG_PROMPT,
        maxTokens: 8,
        abortAfterMs: 250,
      });
      expect(reading).toMatchObject({ finishReason: "aborted", text: "" });
      expect(reading.abortMs).toBeLessThan(200);
    });

    test("streams an answer that names Paris while the page stays responsive", async () => {
      const answer = await page.evaluate((request) => window.millet.answer(request), QUESTION);
      expect(answer.text).toContain("Paris");
      expect(answer.chunks).toBeGreaterThan(3);
      expect(answer.longestBlockMs).toBeLessThan(100);
      expect(await page.textContent("#answer")).toBe(answer.text);
    });

    test("frees everything without an error in the console", async () => {
      await page.evaluate(() => window.millet.dispose());
      expect(problems).toEqual([]);
    });
  });
});
