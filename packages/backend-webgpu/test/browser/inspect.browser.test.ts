/** WebGPU in Chromium, in a page and in a worker: found where it is, and a reason with a next step where it is not. */

import type { UnavailableReason } from "@millet/backend-webgpu";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browser, describeWith } from "../../../../test/support/availability.js";
import { launchBrowser, SOFTWARE_WEBGPU } from "../../../../test/support/browser.js";
import type { StaticServer } from "../../../../test/support/static-server.js";
import { servePages } from "../support/pages.js";
import type { PlainReport } from "./inspect-page.js";

/** A host name that leads to this machine, but that browsers do not take for it. */
const INSECURE = "insecure.test";

describeWith(browser(), "WebGPU in Chromium", (executable) => {
  let server: StaticServer;
  let withGpu: Browser;
  let withoutGpu: Browser;

  beforeAll(async () => {
    server = await servePages([new URL("inspect-page.ts", import.meta.url)]);
    withGpu = await launchBrowser(executable, [
      ...SOFTWARE_WEBGPU,
      `--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`,
    ]);
    withoutGpu = await launchBrowser(executable, ["--disable-gpu"]);
  });
  afterAll(async () => {
    await withGpu?.close();
    await withoutGpu?.close();
    await server?.close();
  });

  interface Circumstances {
    readonly inWorker?: boolean;
    readonly host?: string;
    /** Runs in the page before its scripts. */
    readonly before?: string;
  }

  async function inspectIn(
    chromium: Browser,
    { inWorker = false, host = "127.0.0.1", before = "" }: Circumstances,
  ): Promise<PlainReport> {
    const page = await chromium.newPage();
    try {
      await page.addInitScript(before);
      await page.goto(`${server.origin.replace("127.0.0.1", host)}/inspect-page`);
      return await page.evaluate((worker) => window.inspect(worker), inWorker);
    } finally {
      await page.close();
    }
  }

  test.each([false, true])("is found; in a worker: %s", async (inWorker) => {
    const report = await inspectIn(withGpu, { inWorker });
    expect(report.error).toBeUndefined();
    expect(report.package).toBeUndefined();
    expect(report.device).toMatchObject({
      description: expect.stringContaining("swiftshader"),
      isSoftware: true,
      features: { subgroups: true, "packed-dot": true },
    });
    expect(report.device?.limits.maxBufferSize).toBeGreaterThanOrEqual(2 ** 28);
    expect(report.device?.limitations[0]).toMatch(/^There is no GPU: the processor emulates one/);
  });

  const failure = (reason: UnavailableReason, message: RegExp) => ({
    code: "BACKEND_UNAVAILABLE",
    reason,
    message: expect.stringMatching(message),
  });

  test.each([false, true])("without a GPU is no adapter; in a worker: %s", async (inWorker) => {
    const { error } = await inspectIn(withoutGpu, { inWorker });
    expect(error).toMatchObject(
      failure("no-adapter", /finds no GPU .*chrome:\/\/gpu.*, or use another backend/),
    );
  });

  test("is missed in a browser that has none", async () => {
    const { error } = await inspectIn(withGpu, { before: "delete Navigator.prototype.gpu" });
    expect(error).toMatchObject(failure("no-webgpu", /browser offers no WebGPU\. Update it/));
  });

  test("is for secure pages only", async () => {
    const { error } = await inspectIn(withGpu, { host: INSECURE });
    expect(error).toMatchObject(failure("insecure-context", /https: or from localhost/));
  });
});
