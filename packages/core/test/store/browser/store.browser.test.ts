/** The store in Chromium: the private file system and the Cache API, two tabs, a reload in the middle, a small quota. */
import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { browser, describeWith } from "../../../../../test/support/availability.js";
import { launchBrowser } from "../../../../../test/support/browser.js";
import { startServer, type TestServer } from "../server.js";
import { CHUNK, KIB, pattern } from "../store-support.js";
import type { ReadReport } from "./page.js";

const file = pattern(24 * CHUNK + 77);
const sha256 = createHash("sha256").update(file).digest("hex");
const html = new TextEncoder().encode(`<!doctype html><script src="/page.js"></script>`);

/** Runs in the page. */
function withoutOpfs(): void {
  Object.defineProperty(StorageManager.prototype, "getDirectory", { value: undefined });
}

async function bundle(): Promise<Uint8Array> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("page.ts", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
    platform: "browser",
    logLevel: "error",
  });
  return outputFiles[0]!.contents;
}

describeWith(browser(), "the store in a browser", (executable) => {
  let chromium: Browser;
  let script: Uint8Array;
  let server: TestServer;
  let context: BrowserContext;
  let address: string;
  let delayMs = 0;

  beforeAll(async () => {
    script = await bundle();
    chromium = await launchBrowser(executable);
  });
  afterAll(() => chromium?.close());

  beforeEach(async () => {
    server = await startServer({ "model.gguf": file, "page.js": script });
    address = `${server.origin}/model.gguf`;
    delayMs = 0;
    server.misbehave = ({ path, range }, response) => {
      if (path === "/" || path === "/page.js") {
        const isPage = path === "/";
        response.setHeader("content-type", isPage ? "text/html" : "text/javascript");
        return Boolean(response.end(isPage ? html : script));
      }
      if (!path.startsWith("/model.gguf")) return Boolean(response.writeHead(404).end());
      if (delayMs > 0 && range !== "bytes=0-1") trickle(range!, response);
      return delayMs > 0 && range !== "bytes=0-1";
    };
    context = await chromium.newContext();
  });
  afterEach(async () => {
    await context.close();
    await server[Symbol.asyncDispose]();
  });

  /** Waits until nothing is sent any more: a server learns late that a page went. */
  async function silence(): Promise<void> {
    for (let sent = -1; sent !== server.sentBytes; ) {
      sent = server.sentBytes;
      await new Promise((resolve) => setTimeout(resolve, 10 * delayMs));
    }
  }

  /** A range in pieces of 16 KiB with pauses between them. */
  function trickle(range: string, response: ServerResponse): void {
    const [start, end] = /(\d+)-(\d+)/.exec(range)!.slice(1).map(Number) as [number, number];
    response.writeHead(206, { "content-range": `bytes ${start}-${end}/${file.byteLength}`, etag: '"v1"' });
    const send = (at: number) => {
      if (response.destroyed) return;
      if (at > end) return void response.end();
      const next = Math.min(at + 16 * KIB, end + 1);
      server.sentBytes += next - at;
      response.write(file.subarray(at, next));
      setTimeout(send, delayMs, next);
    };
    send(start);
  }

  async function open(prepare?: () => void): Promise<Page> {
    const page = await context.newPage();
    if (prepare) await page.addInitScript(prepare);
    await page.goto(`${server.origin}/`);
    return page;
  }

  const modelRequests = () => server.requests.filter(({ path }) => path.startsWith("/model.gguf"));

  describe.each([
    ["opfs", undefined],
    ["cache-api", withoutOpfs],
  ] as const)("by %s", (kind, prepare) => {
    test("a file is downloaded once and read after a reload without the network", async () => {
      const page = await open(prepare);
      expect(await page.evaluate(() => window.store.place())).toBe(kind);
      const first = await page.evaluate((url) => window.store.pull(url), address);
      expect(first.files).toMatchObject([{ address, sha256, storedBytes: file.byteLength }]);
      expect(server.sentBytes).toBe(file.byteLength + 2);
      await page.reload();
      const count = modelRequests().length;
      const offline = await page.evaluate((url) => window.store.read(url, { network: "none" }), address);
      expect(offline).toEqual({ sha256, byteLength: file.byteLength, notes: [] });
      expect(modelRequests().length).toBe(count);
      const asked = await page.evaluate((url) => window.store.read(url), address);
      expect(asked).toMatchObject({ sha256 });
      expect(modelRequests().length).toBe(count + 1);
      const other = await page.evaluate((url) => window.store.read(`${url}?2`, { network: "none" }), address);
      expect(other).toMatchObject({ code: "SOURCE_NOT_STORED" });
      expect(await page.evaluate(() => window.store.evict())).toBe(1);
      expect(await page.evaluate(() => window.store.list())).toEqual([]);
    });

    test("a reload in the middle loses only what was on its way", async () => {
      delayMs = 20;
      const page = await open(prepare);
      const pulling = page.evaluate((url) => window.store.pull(url), address).catch(() => undefined);
      const stored = async () => (await page.evaluate(() => window.store.list()))[0]?.storedBytes ?? 0;
      await expect.poll(stored, { timeout: 60_000 }).toBeGreaterThan(4 * CHUNK);
      await page.reload();
      await pulling;
      await silence();
      const before = await stored();
      expect(before).toBeGreaterThan(4 * CHUNK);
      delayMs = 0;
      server.sentBytes = 0;
      expect(await page.evaluate((url) => window.store.read(url), address)).toMatchObject({ sha256 });
      expect(server.sentBytes).toBe(file.byteLength - before + 2);
    });
  });

  test.each([
    ["opfs", undefined],
    ["cache-api", withoutOpfs],
  ] as const)(
    "by %s: a tab may read and list records that another one replaces and removes",
    async (_, prepare) => {
      const [first, second] = [await open(prepare), await open(prepare)];
      const reading = second.evaluate(() => window.store.reread());
      await first.evaluate(() => window.store.rewrite(300));
      const seen = await reading;
      expect(seen.length).toBeGreaterThan(2);
      for (const text of seen) expect([undefined, "x", "xx", "xxx", "end"]).toContain(text);
    },
  );

  test("two tabs: one downloads, the other waits with progress; neither removes what the other has open", async () => {
    delayMs = 40;
    const [first, second] = [await open(), await open()];
    const pulls = [first, second].map((page) => page.evaluate((url) => window.store.pull(url), address));
    const reports = await Promise.all(pulls);
    expect(reports.map(({ files }) => files[0]!.sha256)).toEqual([sha256, sha256]);
    expect(reports.filter(({ waited }) => waited)).toHaveLength(1);
    expect(server.sentBytes).toBeLessThanOrEqual(file.byteLength + 4);
    await first.evaluate((url) => window.store.hold(url), address);
    expect(await second.evaluate(() => window.store.evict())).toBe(0);
    await first.close();
    await expect.poll(() => second.evaluate(() => window.store.evict()), { timeout: 60_000 }).toBe(1);
  });

  test("a tab that is closed leaves its download to the one that waits", async () => {
    delayMs = 30;
    const [first, second] = [await open(), await open()];
    const lost = first.evaluate((url) => window.store.pull(url), address).catch(() => undefined);
    const stored = async () => (await second.evaluate(() => window.store.list()))[0]?.storedBytes ?? 0;
    await expect.poll(stored, { timeout: 60_000 }).toBeGreaterThan(2 * CHUNK);
    const waiting = second.evaluate((url) => window.store.pull(url), address);
    await first.close();
    await lost;
    expect((await waiting).files).toMatchObject([{ sha256 }]);
    expect(server.sentBytes).toBeLessThan(2 * file.byteLength);
  });

  test("damage is found and repaired", async () => {
    const page = await open();
    await page.evaluate((url) => window.store.pull(url), address);
    await page.evaluate(() => window.store.damage(5));
    expect(await page.evaluate(() => window.store.verify(false))).toMatchObject([{ damagedChunks: 1 }]);
    server.sentBytes = 0;
    const repaired = await page.evaluate(() => window.store.verify(true));
    expect(repaired).toMatchObject([{ damagedChunks: 1, isRepaired: true }]);
    expect(server.sentBytes).toBe(CHUNK + 2);
    expect(await page.evaluate((url) => window.store.read(url, { network: "none" }), address)).toMatchObject({
      sha256,
    });
  });

  test("a quota that is too small is told before the download, or met in the middle, and streams on request", async () => {
    const page = await open();
    await page.evaluate(() => {
      navigator.storage.estimate = async () => ({ quota: 2e6, usage: 1e6 });
    });
    const refused = await page.evaluate((url) => window.store.read(url), address);
    expect(refused).toMatchObject({
      code: "STORE_FULL",
      message: expect.stringContaining("Nothing was downloaded"),
    });
    expect(await page.evaluate(() => window.store.list())).toEqual([]);
    const streamed = await page.evaluate((url) => window.store.read(url, { onFailure: "stream" }), address);
    expect(streamed).toMatchObject({ sha256, notes: [expect.stringContaining("not kept on this device")] });
    // A browser that promises more than it gives.
    await page.evaluate(() => {
      navigator.storage.estimate = async () => ({ quota: 1e12, usage: 0 });
    });
    const session = await context.newCDPSession(page);
    const limit = (quotaSize: number) =>
      session.send("Storage.overrideQuotaForOrigin", { origin: server.origin, quotaSize });
    await limit(600 * KIB);
    const full = await page.evaluate((url) => window.store.read(url), address);
    expect(full).toMatchObject({
      code: "STORE_FULL",
      message: expect.stringContaining("QuotaExceededError"),
    });
    await limit(1e9);
    const complete = (await page.evaluate((url) => window.store.read(url), address)) as ReadReport;
    expect(complete.sha256).toBe(sha256);
    expect(await page.evaluate(() => window.store.verify(false))).toMatchObject([{ damagedChunks: 0 }]);
  });

  test("without any storage a model is streamed, and the reason is told", async () => {
    const page = await open(() => {
      Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
    });
    expect(await page.evaluate((url) => window.store.read(url), address)).toMatchObject({
      code: "STORE_FAILED",
      message: expect.stringContaining("no locks"),
    });
    const streamed = await page.evaluate((url) => window.store.read(url, { onFailure: "stream" }), address);
    expect(streamed).toMatchObject({
      sha256,
      notes: [expect.stringContaining("There is no place for downloads")],
    });
  });
});
