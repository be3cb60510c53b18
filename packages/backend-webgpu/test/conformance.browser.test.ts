/** The backend passes the conformance suite in Chromium, in a page and in a worker. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, describeWith } from "../../../test/support/availability.js";
import { launchBrowser, SOFTWARE_WEBGPU } from "../../../test/support/browser.js";
import type { StaticServer } from "../../../test/support/static-server.js";
import { webgpu } from "../src/index.js";
import { conformance, DECODER } from "./support/conformance.js";
import { servePages } from "./support/pages.js";
import { declareRemotely } from "./support/suite.js";

describeWith(browser(), "conformance in Chromium", (executable) => {
  let server: StaticServer;
  let chromium: Browser;
  let page: Page;
  const problems: string[] = [];

  beforeAll(async () => {
    server = await servePages([new URL("browser/conformance-page.ts", import.meta.url)]);
    chromium = await launchBrowser(executable, SOFTWARE_WEBGPU);
    page = await chromium.newPage();
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("console", (message) => problems.push(message.text()));
    await page.goto(`${server.origin}/conformance-page`);
    await page.waitForFunction(() => "runTest" in window);
  });
  afterAll(async () => {
    await chromium?.close();
    await server?.close();
  });

  describe("in a page", () => {
    const run = (name: string) => page.evaluate((one) => window.runTest(one), name);
    declareRemotely({ describe, test }, (runner) => conformance(webgpu, runner), run);
  });
  describe("in a worker", () => {
    const run = (name: string) => page.evaluate((one) => window.runTestInWorker(one), name);
    declareRemotely({ describe, test }, (runner) => conformance(webgpu, runner, DECODER), run);
  });

  test("leaves the console empty", () => expect(problems).toEqual([]));
});
