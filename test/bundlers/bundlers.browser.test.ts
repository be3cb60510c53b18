/**
 * Millet in apps of the bundlers that people use, none configured for it: the build prints no warning, the page
 * fetches no more than it needs, and the tokens are those of Node, with threads where the page is cross-origin isolated and
 * without where it is not. Next also imports Millet on the server, and generates there. WebGPU is the browser's in pages,
 * and on the server the package's, which no page gets.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ROOT } from "../../scripts/workspaces.js";
import { browser, bundlers, describeWith } from "../support/availability.js";
import { LOOPBACK_FOR_ANY_PAGE, launchBrowser, SOFTWARE_WEBGPU } from "../support/browser.js";
import type { Server } from "../support/run.js";
import { ISOLATION } from "../support/static-server.js";
import { TARGETS } from "./support/targets.js";
import { createWorkspace } from "./support/workspace.js";

/** What apps/shared/generate.js returns. */
interface Report {
  readonly tokenIds: readonly number[];
  readonly description: string;
  readonly threads: number;
  readonly limitations: readonly string[];
}

declare global {
  interface Window {
    generate(): Promise<Report>;
    findGpu(): Promise<string>;
  }
}

async function tokensInNode(path: string): Promise<readonly number[]> {
  const model = await loadModel(path, { backend: cpu({ engine: "wasm", threads: 1 }) });
  const { tokenIds } = await model.generate("Once upon a time", { temperature: 0, maxTokens: 16 }).result;
  await model.dispose();
  return tokenIds;
}

/** The page, its scripts as the network brought them, and what it complained of. */
interface Visit {
  readonly page: Page;
  readonly scripts: readonly string[];
  readonly problems: readonly string[];
}

/** @param isGone whether scripts are not served any more, asked at each */
async function visit(
  chromium: Browser,
  origin: string,
  isolated: boolean,
  isGone = () => false,
): Promise<Visit> {
  const page = await chromium.newPage();
  const scripts: string[] = [];
  const problems: string[] = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) problems.push(message.text());
  });
  await page.route(`${origin}/**`, async (route) => {
    const response = await route.fetch();
    const isScript = response.headers()["content-type"]?.includes("javascript");
    if (isScript && isGone()) return route.fulfill({ status: 404 });
    if (isScript) scripts.push(await response.text());
    await route.fulfill({ response, headers: { ...response.headers(), ...(isolated && ISOLATION) } });
  });
  await page.goto(origin);
  await page.waitForFunction(() => "generate" in window);
  return { page, scripts, problems };
}

/**
 * Most kB, gzipped, of the app with the factories of both backends; and once it has generated, with the CPU backend, its
 * one WASM module and the parts of core for GGUF, a byte-level BPE, a chat template and the store. docs/browsers.md tells
 * what they are today.
 */
const FIRST_KB = 75;
const ALL_KB = 180;

/** Texts of the parts of core that a GGUF model does not need, and of those that it needs once it is loaded. */
const NEVER = ["chat_template.jinja", "post_processor"];
const LATER = ["strftime_now", "navigator.locks"];

function findIn(scripts: readonly string[], texts: readonly string[]): readonly string[] {
  return texts.filter((text) => scripts.some((script) => script.includes(text)));
}

function kilobytes(scripts: readonly string[]): number {
  return scripts.reduce((sum, script) => sum + gzipSync(script, { level: 9 }).byteLength, 0) / 1000;
}

/** Modules are carried as gzip in base64. */
const GZIP_IN_BASE64 = /["'`]H4sI[A-Za-z0-9+/]{1000,}/g;

describeWith(browser(), "bundled without configuration", (executable) => {
  describeWith(bundlers(), "in a folder of its own", (installed) => {
    let chromium: Browser;
    let workspace: string;
    let model: string;
    let expected: readonly number[];

    beforeAll(async () => {
      workspace = createWorkspace(installed);
      model = join(workspace, "model.gguf");
      const made = ["scripts/make-random-model.mjs", "--shape", "tiny", "--dtype", "q4_0", "--out", model];
      execFileSync(process.execPath, made, { cwd: ROOT });
      for (const app of ["vite", "next"]) {
        mkdirSync(join(workspace, app, "public"));
        copyFileSync(model, join(workspace, app, "public/model.gguf"));
      }
      expected = await tokensInNode(model);
      expect(new Set(expected).size).toBeGreaterThan(3);
      chromium = await launchBrowser(executable, [...SOFTWARE_WEBGPU, LOOPBACK_FOR_ANY_PAGE]);
    });
    afterAll(async () => {
      await chromium?.close();
      if (workspace !== undefined) rmSync(workspace, { recursive: true, force: true });
    });

    describe.each(TARGETS)("$name", ({ name, app, splits, isMeasured, serve }) => {
      let server: Server;

      beforeAll(async () => {
        server = await serve(join(workspace, app), model);
      });
      afterAll(() => server?.close());

      test("prints no warning", () => {
        expect(server.output()).not.toMatch(/warn|deprecat|\(!\)|⚠|error/i);
      });

      test.each([true, false])("gives the tokens of Node; isolated: %s", async (isolated) => {
        const { page, scripts, problems } = await visit(chromium, server.origin, isolated);
        const first = [...scripts];
        const report = await page.evaluate(() => window.generate());
        expect(report.tokenIds).toEqual(expected);
        expect(report.description).toContain(
          isolated ? "shared memory, 2 threads" : "unshared memory, 1 thread",
        );
        expect(report.limitations.join("\n")).toMatch(
          isolated ? /^$/ : /not cross-origin isolated.*Cross-Origin-/,
        );
        if (splits) {
          expect([modulesIn(first), modulesIn(scripts)]).toEqual([0, 1]);
          expect([findIn(first, LATER), findIn(scripts, LATER)]).toEqual([[], LATER]);
          expect(findIn(scripts, NEVER)).toEqual([]);
        } else {
          expect(findIn(first, [...NEVER, ...LATER])).toEqual([...NEVER, ...LATER]);
        }
        if (isMeasured) {
          const sizes = [kilobytes(first), kilobytes(scripts)] as const;
          console.info(`${name}: ${sizes.map((kB) => kB.toFixed(1)).join(" kB, then ")} kB gzipped`);
          expect(sizes[0]).toBeLessThan(FIRST_KB);
          expect(sizes[1]).toBeLessThan(ALL_KB);
        }
        expect(problems).toEqual([]);
        await page.close();
      });

      test("finds WebGPU in the page, and brings no package for servers along", async () => {
        const { page, scripts, problems } = await visit(chromium, server.origin, false);
        expect(await page.evaluate(() => window.findGpu())).toContain("swiftshader");
        expect(scripts.join("\n")).not.toContain("dawn");
        expect(problems).toEqual([]);
        await page.close();
      });

      if (isMeasured) {
        test("says that a part of the build is not served any more", async () => {
          let isGone = false;
          const { page } = await visit(chromium, server.origin, false, () => isGone);
          isGone = true;
          const message = await page.evaluate(() => window.generate().catch(String));
          expect(message).toMatch(
            /^MilletError SCRIPT_UNAVAILABLE: A script of @millet\/core could not be loaded/,
          );
          isGone = false;
          await page.reload();
          await page.waitForFunction(() => "generate" in window);
          expect((await page.evaluate(() => window.generate())).tokenIds).toEqual(expected);
          await page.close();
        });
      }

      if (app !== "next") return;
      test.each(["wasm", "auto"])("generates on the server; engine: %s", async (engine) => {
        const response = await fetch(`${server.origin}/server?engine=${engine}`);
        const report = (await response.json()) as Report & { readonly gpu: string };
        expect(report.tokenIds).toEqual(expected);
        expect(report.threads).toBe(2);
        expect(["no-webgpu", "package-failed"]).not.toContain(report.gpu); // whether there is a GPU or not
      });
    });
  });
});

function modulesIn(scripts: readonly string[]): number {
  return scripts.join("\n").match(GZIP_IN_BASE64)?.length ?? 0;
}
