// Speed of an engine in headless Chromium on one model, as one JSON line (see work.mjs); --engine millet, wllama or
// onnx. The page comes from a loopback server with the headers of cross-origin isolation. Its script sets
// window.peer = { load({ url, threads, contextTokens }) -> { loadMs, threads, engine, vocabularySize },
// run({ ids, genTokens }) -> { prefill, decode } }. Memory is the renderer's peak resident memory (Linux only).
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { findBrowser, HOW_TO_GET_A_BROWSER } from "../../scripts/find-browser.ts";
import { launchBrowser } from "../../test/support/browser.ts";
import { serve } from "../../test/support/static-server.ts";
import { promptIds } from "./prompt.mjs";
import { answer, measureRuns, parseWork } from "./work.mjs";

const HERE = new URL(".", import.meta.url);
const local = (path) => fileURLToPath(new URL(path, HERE));
const ORT = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded";

const work = parseWork();
const executable = findBrowser();
if (executable === undefined) throw new Error(`no browser: ${HOW_TO_GET_A_BROWSER}`);
const server = await serve(await contents(), { isolated: true });
const chromium = await launchBrowser(
  executable,
  work.jsFlags === undefined ? [] : [`--js-flags=${work.jsFlags}`],
);
try {
  const page = await chromium.newPage();
  page.on("pageerror", (error) => console.error(String(error)));
  page.on("console", (line) => line.type() === "error" && console.error(line.text()));
  await page.goto(server.origin);
  await page.waitForFunction(() => window.peer !== undefined);
  const { threads, promptTokens, genTokens, contextTokens } = work;
  const url = `${server.origin}/model`;
  const loaded = await page.evaluate((request) => window.peer.load(request), { url, threads, contextTokens });
  if (loaded.threads !== threads) throw new Error(`${loaded.threads} threads serve instead of ${threads}`);
  const speeds = await measureRuns(work.repeat, (run) => {
    const ids = promptIds(promptTokens, loaded.vocabularySize, run);
    return page.evaluate((request) => window.peer.run(request), { ids, genTokens });
  });
  const { engine, loadMs } = loaded;
  answer(work, {
    engine,
    browser: chromium.version(),
    loadMs,
    peakRssBytes: await peakOfRenderer(),
    ...speeds,
  });
} finally {
  await chromium.close();
  await server.close();
}

async function contents() {
  const { outputFiles } = await build({
    entryPoints: [local(`browser/${work.engine}.mjs`)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    logLevel: "error",
  });
  const html = '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>';
  return {
    "/": { type: "text/html", text: html },
    "/page.js": { type: "text/javascript", text: outputFiles[0].text },
    "/favicon.ico": { type: "image/x-icon", text: "" },
    "/model": { file: work.path },
    ...(work.engine === "wllama" && {
      "/engine.wasm": { file: local("node_modules/@wllama/wllama/esm/wasm/wllama.wasm") },
    }),
    ...(work.engine === "onnx" && {
      "/engine.wasm": { file: local(`${ORT}.wasm`) },
      "/engine.mjs": { type: "text/javascript", text: await readFile(local(`${ORT}.mjs`), "utf8") },
    }),
  };
}

/** The largest renderer's high-water mark, from /proc; null on systems without it. */
async function peakOfRenderer() {
  if (process.platform !== "linux") return null;
  const session = await chromium.newBrowserCDPSession();
  const { processInfo } = await session.send("SystemInfo.getProcessInfo");
  const renderers = processInfo.filter(({ type }) => type === "renderer");
  const peaks = renderers.map(async ({ id }) => {
    const status = await readFile(`/proc/${id}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)[1]) * 1024;
  });
  return Math.max(...(await Promise.all(peaks)));
}
