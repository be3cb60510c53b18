/** The example on WebGPU: it answers, stops, and goes on on the CPU; a browser without WebGPU says so and offers the CPU. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browser, describeWith } from "../../../test/support/availability.js";
import { LOOPBACK_FOR_ANY_PAGE, launchBrowser, SOFTWARE_WEBGPU } from "../../../test/support/browser.js";
import { run, type Server, startServer } from "../../../test/support/run.js";
import { ChatPage } from "./chat-page.js";
import { copyExample, VITE } from "./copy.js";

const PICTURES = process.env.MILLET_PICTURES;

describeWith(browser(), "the example web-chat on WebGPU", (executable) => {
  let folder: string;
  let built: Server;

  beforeAll(async () => {
    folder = copyExample();
    await run(folder, [VITE, "build"]);
    built = await startServer(folder, [VITE, "preview", "--host", "127.0.0.1"]);
  });
  afterAll(async () => {
    await built?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  test("answers, stops, and goes on on the CPU", { timeout: 400_000 }, async () => {
    const chromium = await launchBrowser(executable, [LOOPBACK_FOR_ANY_PAGE, ...SOFTWARE_WEBGPU]);
    try {
      const chat = await ChatPage.open(chromium, built.origin, { viewport: { width: 1200, height: 760 } });
      chat.page.setDefaultTimeout(300_000); // a processor that plays GPU
      await chat.page.getByText("WebGPU", { exact: true }).click();
      expect(await chat.load()).toMatch(/^WebGPU: SmolLM2-135M-Instruct loaded in [\d.]+ s\./);
      const stopped = await chat.interrupt("Name a colour.", 4, "#stop");
      expect(stopped.answer).toMatch(/\w{3}/);
      expect(stopped.note).toMatch(/^Stopped\. WebGPU: \d+ tokens?, [\d.]+ tokens\/s/);
      if (PICTURES !== undefined) {
        mkdirSync(PICTURES, { recursive: true });
        await chat.page.screenshot({ path: join(PICTURES, "web-chat-webgpu.png") });
      }
      await chat.page.getByText("CPU", { exact: true }).click();
      await chat.idle();
      expect(await chat.lastNote("note")).toMatch(/^CPU: .*loaded in/);
      expect((await chat.ask("What is the capital of France?")).answer).toContain("Paris");
      expect((await chat.turns())[0]).toEqual(stopped);
      expect(chat.problems).toEqual([]);
    } finally {
      await chromium.close();
    }
  });

  test("a browser without WebGPU says so and offers the CPU", async () => {
    const chromium = await launchBrowser(executable, [LOOPBACK_FOR_ANY_PAGE]);
    try {
      const chat = await ChatPage.open(chromium, built.origin);
      await chat.page.getByText("WebGPU", { exact: true }).click();
      await chat.button("Load").click();
      await chat.idle();
      expect(await chat.lastNote("error")).toMatch(/WebGPU.*BACKEND_UNAVAILABLE/s);
      await chat.button("Load on CPU").click();
      await chat.idle();
      expect(await chat.chosen()).toBe("CPU");
      expect(await chat.lastNote("note")).toMatch(/^CPU: .*loaded in/);
    } finally {
      await chromium.close();
    }
  });
});
