/** The browser's GPU process dies: the page learns that its device is lost, and can open another. */
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browser, describeWith } from "../../../../test/support/availability.js";
import { launchBrowser, SOFTWARE_WEBGPU } from "../../../../test/support/browser.js";
import type { StaticServer } from "../../../../test/support/static-server.js";
import { servePages } from "../support/pages.js";

describeWith(browser(), "a GPU process that dies", (executable) => {
  let server: StaticServer;
  let chromium: Browser;

  beforeAll(async () => {
    server = await servePages([new URL("loss-page.ts", import.meta.url)]);
    chromium = await launchBrowser(executable, SOFTWARE_WEBGPU);
  });
  afterAll(async () => {
    await chromium?.close();
    await server?.close();
  });

  test("is BACKEND_LOST, and another device can be opened", async () => {
    const page = await chromium.newPage();
    await page.goto(`${server.origin}/loss-page`);
    await page.waitForFunction(() => "hold" in window);
    const description = await page.evaluate(() => window.hold());
    const session = await chromium.newBrowserCDPSession();
    await session.send("Browser.crashGpuProcess");
    const loss = await page.evaluate(() => window.loss);
    expect(loss).toMatchObject({
      code: "BACKEND_LOST",
      reason: "unknown",
      message: expect.stringContaining(`The GPU ${description} is gone: `),
      next: description,
    });
  });
});
