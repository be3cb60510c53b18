/**
 * What a page can forbid or lose, in a real browser: WebAssembly and workers under a content security policy, files of
 * the build, a worker that dies. Each ends in a typed error that says what to do; done so, the model runs.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browser, describeWith } from "../../../../test/support/availability.js";
import { launchBrowser } from "../../../../test/support/browser.js";
import { type Content, serve } from "../../../../test/support/static-server.js";
import type { Outcome } from "./faults-page.js";

const HTML = '<!doctype html><script type="module" src="/faults-page.js"></script>';

/** Scripts of the page by their paths, split as an app's build is. */
async function bundle(): Promise<Record<string, Content>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("faults-page.ts", import.meta.url))],
    outdir: "out",
    bundle: true,
    splitting: true,
    write: false,
    format: "esm",
    target: "es2022",
    logLevel: "error",
  });
  return Object.fromEntries(
    outputFiles.map(({ path, text }) => [`/${basename(path)}`, { type: "text/javascript", text }]),
  );
}

/** Counting itself finished is outside of what a worker guards; loading takes some counts. */
const DYING = `
  let left = 12;
  const { add } = Atomics;
  Atomics.add = (...args) => {
    if (left-- < 0) throw new Error("injected");
    return add(...args);
  };`;

describeWith(browser(), "faults in a browser", (executable) => {
  let chromium: Browser;
  let folder: string;
  let contents: Record<string, Content>;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "millet-faults-"));
    const model = join(folder, "model.gguf");
    const script = fileURLToPath(new URL("../../../../scripts/make-random-model.mjs", import.meta.url));
    execFileSync(process.execPath, [script, "--shape", "tiny", "--dtype", "q4_0", "--out", model]);
    const worker = readFileSync(new URL("../../build/worker.js", import.meta.url), "utf8");
    contents = {
      "/": { type: "text/html", text: HTML },
      "/model.gguf": { file: model },
      "/worker.js": { type: "text/javascript", text: worker },
      "/dying.js": { type: "text/javascript", text: `{${DYING}}\n${worker}` },
      ...(await bundle()),
    };
    chromium = await launchBrowser(executable);
  });
  afterAll(async () => {
    await chromium?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  interface Circumstances {
    readonly isolated?: boolean;
    /** The page's content security policy. */
    readonly policy?: string;
    /** Files that the server does not have, by the start of their names. */
    readonly without?: string;
  }

  /** Opens the page in these circumstances and calls one of its functions. */
  async function inPage<T>(
    { isolated = false, policy, without }: Circumstances,
    call: (argument: string) => Promise<T>,
    argument: unknown = [{}],
  ): Promise<T> {
    const served = Object.entries(contents).filter(([path]) => !without || !path.startsWith(`/${without}`));
    const headers = policy === undefined ? {} : { "content-security-policy": policy };
    const server = await serve(Object.fromEntries(served), { isolated, headers });
    const page = await chromium.newPage();
    try {
      await page.goto(server.origin);
      return await page.evaluate(call, JSON.stringify(argument));
    } finally {
      await page.close();
      await server.close();
    }
  }

  const attempt = (backends: string): Promise<Outcome> => window.faults.attempt(JSON.parse(backends));
  const CODES = "script-src 'self' 'wasm-unsafe-eval'";

  test.each([true, false])(
    "a strict policy that allows both leaves threads as they are: isolated %s",
    async (isolated) => {
      const policy = `default-src 'self'; ${CODES}; worker-src blob:`;
      const outcome = await inPage({ isolated, policy }, attempt, [{ threads: 2 }]);
      expect(outcome).toMatchObject({ threads: isolated ? 2 : 1 });
      expect(outcome.tokenIds).toHaveLength(32);
    },
  );

  test("a policy without WebAssembly: the error names the directive", async () => {
    const { error } = await inPage({ policy: "script-src 'self'; worker-src blob:" }, attempt);
    expect(error).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringMatching(/does not compile here .*add 'wasm-unsafe-eval' to its script-src/),
    });
  });

  describe.each([true, false])("a policy without blob: workers, isolated: %s", (isolated) => {
    const policy = `${CODES}; worker-src 'self'`;

    test("the error names the directive and the file", async () => {
      const { error } = await inPage({ isolated, policy }, attempt);
      expect(error).toMatchObject({
        code: "BACKEND_UNAVAILABLE",
        message: expect.stringMatching(
          /add blob: to its worker-src; or serve the file worker\.js .* workerUrl/,
        ),
      });
    });

    test("the worker's file serves, with the tokens of a page without policy", async () => {
      const backends = [{ threads: 2, workerUrl: "/worker.js" }];
      const { tokenIds, threads } = await inPage({ isolated, policy }, attempt, backends);
      expect(threads).toBe(isolated ? 2 : 1);
      expect(tokenIds).toEqual((await inPage({}, attempt)).tokenIds);
    });
  });

  test.each(["/missing.js", "http://localhost:9/worker.js"])(
    "a worker that is not at %s: the error names the address, and the next backend serves",
    async (workerUrl) => {
      const { error } = await inPage({}, attempt, [{ workerUrl }]);
      expect(error).toMatchObject({
        code: "BACKEND_UNAVAILABLE",
        message: expect.stringContaining(`See that ${workerUrl} is worker.js of this version`),
      });
      const { tokenIds, rejected } = await inPage({}, attempt, [{ workerUrl }, {}]);
      expect(rejected).toEqual(["BACKEND_UNAVAILABLE"]);
      expect(tokenIds).toHaveLength(32);
    },
  );

  test.each(["backend-", "relaxed-unshared-"])("a build without its file %s", async (without) => {
    const { error } = await inPage({ without }, attempt);
    expect(error).toMatchObject({
      code: "BACKEND_UNAVAILABLE",
      message: expect.stringContaining("reload the page if the app was deployed anew"),
    });
  });

  test("a worker that dies of an error in an answer: the model is loaded again, the answer goes on", async () => {
    const { tokenIds, recoveries } = await inPage({}, () => window.faults.loseWorker());
    expect(tokenIds).toEqual((await inPage({}, attempt)).tokenIds);
    expect(recoveries).toMatchObject([
      { code: "BACKEND_LOST", message: expect.stringMatching(/Worker 1 of 1 has stopped: .*TypeError/) },
    ]);
  });

  test("a thread that dies among others, and does so each time, ends what waits for it", async () => {
    const { error } = await inPage({ isolated: true }, attempt, [{ threads: 2, workerUrl: "/dying.js" }]);
    expect(error).toMatchObject({ code: "BACKEND_LOST", message: expect.stringContaining("injected") });
  });
});
