/**
 * The example as a user has it, in a real browser: built by Vite in a folder of its own, served by Vite, with the
 * shipped model. It loads by ranges, answers, stops, switches backends, says what fails, and leaves nothing behind.
 */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { model } from "@millet/model-smollm2-135m-instruct";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, describeWith } from "../../../test/support/availability.js";
import { LOOPBACK_FOR_ANY_PAGE, launchBrowser } from "../../../test/support/browser.js";
import { run, type Server, startServer } from "../../../test/support/run.js";
import { serve } from "../../../test/support/static-server.js";
import { ChatPage, tokensRead } from "./chat-page.js";
import { copyExample, VITE } from "./copy.js";
import { addLoseButton, failFirstWorker } from "./faults.js";

/** A folder for pictures of the page, to look at; none are taken without it. */
const PICTURES = process.env.MILLET_PICTURES;

const QUESTION = "What is the capital of France?";
const LONG_STORY = "Tell me a very long story about a lighthouse.";
const MODEL_BYTES = model.files.reduce((sum, { byteLength }) => sum + byteLength, 0);

describeWith(browser(), "the example web-chat", (executable) => {
  let chromium: Browser;
  let folder: string;
  let built: Server;

  beforeAll(async () => {
    folder = copyExample();
    const output = await run(folder, [VITE, "build"]);
    expect(output).not.toMatch(/warn|deprecat|\(!\)|error/i);
    built = await startServer(folder, [VITE, "preview", "--host", "127.0.0.1"]);
    chromium = await launchBrowser(executable, [LOOPBACK_FOR_ANY_PAGE]);
  });
  afterAll(async () => {
    await chromium?.close();
    await built?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  async function picture({ page }: ChatPage, name: string): Promise<void> {
    if (PICTURES === undefined) return;
    mkdirSync(PICTURES, { recursive: true });
    await page.screenshot({ path: join(PICTURES, `web-chat-${name}.png`) });
  }

  describe("a conversation", () => {
    let chat: ChatPage;

    beforeAll(async () => {
      chat = await ChatPage.open(chromium, built.origin, { viewport: { width: 1200, height: 760 } });
    });
    afterAll(() => chat?.page.close());

    test("starts with a load by ranges, of which none is a whole file", async () => {
      await picture(chat, "start");
      expect(chat.ranges).toEqual([]); // nothing is fetched before it is asked for
      expect(await chat.load()).toMatch(/CPU: SmolLM2-135M-Instruct loaded in [\d.]+ s\. .*shared memory, /);
      expect(await chat.lastNote("note")).not.toMatch(/isolated|1 thread/);
      const files = new Set(chat.ranges.map(({ file }) => file));
      expect(files.size).toBe(model.files.length);
      for (const file of files) {
        const ranges = chat.ranges.filter((range) => range.file === file);
        const { totalBytes } = ranges[0]!;
        expect(ranges.length).toBeLessThanOrEqual(6);
        expect(ranges.every(({ status, byteLength }) => status === 206 && byteLength < totalBytes)).toBe(
          true,
        );
        expect(ranges.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBe(totalBytes + 2); // two bytes for the size, then each once
      }
    });

    test("streams an answer to Enter and tells its speed", async () => {
      await chat.type(QUESTION);
      await chat.answering();
      expect((await chat.turns()).at(-1)!.note).toMatch(/^CPU: \d+ tokens?\b/); // while it streams
      await chat.idle();
      const { question, answer, note } = (await chat.turns()).at(-1)!;
      expect(question).toBe(QUESTION);
      expect(answer).toContain("Paris");
      expect(note).toMatch(/^CPU: \d+ tokens, [1-9]\d*\.\d tokens\/s, after reading \d+$/);
    });

    test("stops an answer in the middle, keeps it, and goes on", async () => {
      const stopped = await chat.interrupt(LONG_STORY, 20, "#stop");
      expect(stopped.answer.length).toBeGreaterThanOrEqual(20);
      expect(stopped.note).toMatch(/^Stopped\. CPU: \d+ tokens/);
      const next = await chat.ask("Go on.");
      const [first, second] = await chat.turns();
      expect(second).toEqual(stopped);
      expect(next.answer).not.toBe("");
      expect(tokensRead(next)).toBeLessThan(tokensRead(first!)); // the rest was in the KV cache
    });

    test("switches the backend in the middle of an answer and keeps the conversation", async () => {
      const stopped = await chat.interrupt(LONG_STORY, 20, "#backends label:last-of-type");
      expect(stopped.note).toMatch(/^Stopped\. CPU: /);
      expect(await chat.lastNote("note")).toMatch(/^CPU, 1 thread: .* 1 thread\./);
      expect(await chat.chosen()).toBe("CPU, 1 thread");
      const before = await chat.turns();
      const after = await chat.ask(QUESTION);
      expect((await chat.turns()).slice(0, -1)).toEqual(before);
      expect(after.note).toMatch(/^CPU, 1 thread: \d+ tokens, [1-9]/);
      // The new backend read all that had been said, answers included.
      const tokens = (note: string) => Number(/(\d+) tokens/.exec(note)?.[1]);
      const said = before.reduce((sum, turn) => sum + tokensRead(turn) + tokens(turn.note), 0);
      expect(tokensRead(after)).toBeGreaterThan(said);
      await picture(chat, "switched");
    });

    test("begins a line at Shift and Enter, and sends no empty message", async () => {
      const count = (await chat.turns()).length;
      await chat.type("  ");
      const box = chat.page.getByRole("textbox");
      await box.fill("one");
      await box.press("Shift+Enter");
      await box.pressSequentially("two");
      expect(await box.inputValue()).toBe("one\ntwo");
      expect(await chat.turns()).toHaveLength(count);
      expect(chat.problems).toEqual([]);
    });
  });

  test("never has the whole model in the page's heap", async () => {
    const chat = await ChatPage.open(chromium, built.origin);
    const inspector = await chat.page.context().newCDPSession(chat.page);
    let mostBytes = 0;
    await chat.button("Load").click();
    while (!(await chat.button("Send").isVisible())) {
      await inspector.send("HeapProfiler.collectGarbage");
      const usage: { usedSize: number; backingStorageSize?: number } =
        await inspector.send("Runtime.getHeapUsage");
      mostBytes = Math.max(mostBytes, usage.usedSize + usage.backingStorageSize!);
    }
    expect(await chat.lastNote("note")).toContain("loaded in");
    expect(mostBytes).toBeGreaterThan(1e6);
    expect(mostBytes).toBeLessThan(MODEL_BYTES * 0.7); // what three streams read ahead, and the tokenizer
    await chat.page.close();
  });

  test.each(["Stop", "a reload"])(
    "%s during loading leaves nothing behind but what was downloaded",
    async (how) => {
      const chat = await ChatPage.open(chromium, built.origin);
      const lastFile = "**/*00003-of-00003*.gguf";
      await chat.page.route(lastFile, async (route) => {
        const isHeader = route.request().headers().range?.startsWith("bytes=0-");
        if (isHeader) await route.continue(); // the rest is never answered
      });
      await chat.button("Load").click();
      await chat.loading(0.5);
      if (how === "Stop") await chat.button("Stop").click();
      else await chat.page.reload();
      await chat.page.unroute(lastFile);
      await chat.button("Load").waitFor();
      await expect.poll(() => chat.page.workers(), { timeout: 60_000 }).toEqual([]); // Chromium takes 2 s to end them
      const kept = await chat.page.evaluate(async () => {
        return [await caches.keys(), await indexedDB.databases(), localStorage.length];
      });
      expect(kept).toEqual([[], [], 0]);
      chat.ranges.length = 0;
      expect(await chat.load()).toContain("loaded in");
      const fetched = chat.ranges.reduce((sum, { byteLength }) => sum + byteLength, 0);
      // Of the half that had come, all but what the connections were in the middle of was kept.
      expect(fetched).toBeLessThan(MODEL_BYTES * 0.9);
      expect(chat.problems).toEqual([]);
      await chat.page.close();
    },
  );

  describe("a page that is not isolated", () => {
    let chat: ChatPage;

    beforeAll(async () => {
      chat = await ChatPage.openNotIsolated(chromium, built.origin);
      await addLoseButton(chat.page);
    });
    afterAll(() => chat?.page.close());

    test("answers with one thread and says why", async () => {
      expect(await chat.load()).toMatch(/unshared memory, 1 thread\. .*not cross-origin isolated/);
      expect((await chat.ask(QUESTION)).answer).toContain("Paris");
    });

    test("goes on with an answer whose backend is lost, and tells of it", async () => {
      await chat.clickWhenAnswered(20, "#lose");
      // A story may be endless: a while after the loss is enough.
      const { answer, note } = await chat.interrupt(LONG_STORY, 200, "#stop");
      expect(answer.length).toBeGreaterThanOrEqual(200);
      expect(note).toMatch(/^Stopped\. CPU: \d+ tokens/);
      expect(await chat.lastNote("note")).toMatch(/^CPU: lost \(BACKEND_LOST\) and loaded again/);
      expect(await chat.page.getByRole("progressbar").isVisible()).toBe(false);
      expect(await chat.page.getByRole("alert").count()).toBe(0);
    });
  });

  describe("failures are told with a next step", () => {
    test("a backend that does not start, and another that does", async () => {
      const chat = await ChatPage.open(chromium, built.origin);
      await failFirstWorker(chat.page);
      await chat.button("Load").click();
      await chat.idle();
      expect(await chat.lastNote("error")).toMatch(/injected.*BACKEND_UNAVAILABLE/s);
      await picture(chat, "error");
      await chat.button("Load on CPU, 1 thread").click();
      await chat.idle();
      expect(await chat.page.getByRole("alert").count()).toBe(0);
      expect(await chat.lastNote("note")).toMatch(/^CPU, 1 thread: .*loaded in/);
      expect(await chat.chosen()).toBe("CPU, 1 thread");
      await chat.page.close();
    });

    test("a model that is not there", async () => {
      const chat = await ChatPage.open(chromium, `${built.origin}/?model=missing.gguf`);
      await chat.type(QUESTION); // loads first
      await chat.idle();
      expect(await chat.lastNote("error")).toMatch(/missing\.gguf .*SOURCE_NOT_FOUND/s);
      expect(await chat.page.getByRole("textbox").inputValue()).toBe(QUESTION); // nothing typed is lost
      await chat.page.close();
    });

    test("a server elsewhere that does not allow the page", async () => {
      const elsewhere = await serve(
        { "/model.gguf": { type: "text/plain", text: "GGUF" } },
        { isolated: false },
      );
      try {
        const chat = await ChatPage.open(chromium, `${built.origin}/?model=${elsewhere.origin}/model.gguf`);
        await chat.button("Load").click();
        await chat.idle();
        expect(await chat.lastNote("error")).toMatch(/Access-Control-Allow-Origin.*SOURCE_READ_FAILED/s);
        await chat.page.close();
      } finally {
        await elsewhere.close();
      }
    });
  });

  test("fits a phone, in the dark", async () => {
    const chat = await ChatPage.open(chromium, built.origin, {
      viewport: { width: 320, height: 568 },
      colorScheme: "dark",
    });
    await chat.load();
    await chat.ask(QUESTION);
    await picture(chat, "phone");
    const widths = await chat.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1]!);
    await chat.page.close();
  });

  test("the development server serves the same, with threads", async () => {
    const server = await startServer(folder, [VITE, "--host", "127.0.0.1"]);
    try {
      const chat = await ChatPage.open(chromium, server.origin);
      expect(await chat.load()).toMatch(/shared memory, [2-9]\d* threads\.$/);
      expect(chat.ranges.every(({ status }) => status === 206)).toBe(true);
      expect((await chat.ask(QUESTION)).answer).toContain("Paris");
      expect(chat.problems).toEqual([]);
      await chat.page.close();
    } finally {
      await server.close();
    }
  });
});
