/** Core and this package are scripts that React Native's Hermes compiles; where there is a Hermes, it runs them. */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { describeWith, hermes, hermesCompiler } from "../../../../test/support/availability.js";
import { makeTinyModel } from "../support/tiny-model.js";
import { bundleForHermes } from "./bundle.js";

const LAYER = new URL("../../../../fixtures/onnx/quantized-layer.onnx", import.meta.url);
const folder = mkdtempSync(join(tmpdir(), "millet-hermes-"));
const script = join(folder, "bundle.js");
let source: string;

beforeAll(async () => {
  const model = await makeTinyModel();
  source = await bundleForHermes({ model: readFileSync(model.path), layer: readFileSync(LAYER) });
  writeFileSync(script, source);
  await model.remove();
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What the script prints in Node, without what Hermes lacks. */
function inBareNode(): Promise<string> {
  return new Promise((resolve) => {
    const engine = { print: resolve, setTimeout, clearTimeout, TextEncoder, console };
    runInNewContext(source, engine);
  });
}

test("runs where there is little more than the language", async () => {
  const result = JSON.parse(await inBareNode());
  expect(result).toMatchObject({
    finishReason: "aborted",
    decoded: "Grüße 😀, 日本",
    kind: "files",
    partitions: 2,
    failure: "INVALID_ARGUMENT",
  });
  expect(result.text.length).toBeGreaterThan(0);
  expect(result.tokenIds).toHaveLength(8);
});

describeWith(hermesCompiler(), "Hermes' compiler", (compiler) => {
  test("takes the whole as a script", () => {
    const compiled = join(folder, "bundle.hbc");
    execFileSync(compiler, ["-emit-binary", "-w", "-O0", "-out", compiled, script], { stdio: "pipe" });
    expect(statSync(compiled).size).toBeGreaterThan(500_000);
  });
});

describeWith(hermes(), "Hermes", (engine) => {
  test("gives the tokens and texts that Node gives", async () => {
    const { stdout } = await promisify(execFile)(engine, ["-w", script], { timeout: 110_000 });
    expect(stdout.trim()).toBe(await inBareNode());
  });
});
