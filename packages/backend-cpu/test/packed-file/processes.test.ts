/** Packed files of a real model between processes: every engine uses what another wrote; two at once; one that is killed. */
import { execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { PackedFileReport } from "@millet/core/backend";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { nativeEngine } from "../native/requirement.js";

const SCRIPT = fileURLToPath(new URL("../support/load-packed.mjs", import.meta.url));
const MODEL = fileURLToPath(
  new URL(
    "../../../model-smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1-00001-of-00003.gguf",
    import.meta.url,
  ),
);

interface Answer {
  readonly engine: string;
  readonly packedFile: PackedFileReport;
  readonly tokenIds: readonly number[];
}

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-packed-"));
});

afterEach(() => rm(folder, { recursive: true }));

function argumentsOf(options: object): string[] {
  return [SCRIPT, MODEL, JSON.stringify({ packedFiles: folder, ...options })];
}

async function load(options: object): Promise<Answer> {
  const { stdout } = await promisify(execFile)(process.execPath, argumentsOf(options));
  return JSON.parse(stdout);
}

/** What the engines must agree on, whoever wrote the file. */
function expectUse(answer: Answer, first: Answer): void {
  expect(answer.packedFile).toMatchObject({ state: "used", path: first.packedFile.path, problems: [] });
  expect(answer.tokenIds).toEqual(first.tokenIds);
}

const WASM = { engine: "wasm" };

describe("packed files between processes", () => {
  test("WASM, with shared memory and without, uses what it wrote", async () => {
    const first = await load(WASM);
    expect(first.packedFile).toMatchObject({ state: "written", problems: [] });
    expectUse(await load(WASM), first);
    expectUse(await load({ memory: "unshared" }), first);
  });

  test("a writer that is killed leaves nothing that is used", async () => {
    const left = await killWhileWriting();
    expect(left).toEqual([expect.stringMatching(/\.tmp$/)]);
    const next = await load(WASM);
    expect(next.packedFile).toMatchObject({ state: "written", problems: [] });
    expectUse(await load(WASM), next);
  });
});

describeWith(nativeEngine(), "packed files and the native engine", () => {
  test("each engine uses what the other wrote, with the same tokens", async () => {
    const first = await load({ engine: "native" });
    expect(first).toMatchObject({ engine: "native", packedFile: { state: "written", problems: [] } });
    expectUse(await load({ engine: "native" }), first);
    expectUse(await load(WASM), first);
    await rm(first.packedFile.path!);
    const again = await load(WASM);
    expect(again.packedFile.state).toBe("written");
    expectUse(await load({ engine: "native" }), again);
  });

  test("two processes at once", async () => {
    const both = await Promise.all([load({ engine: "native" }), load({ engine: "native" })]);
    expect(both.map(({ packedFile }) => packedFile.problems)).toEqual([[], []]);
    expect(await readdir(folder)).toHaveLength(1);
    expectUse(await load({ engine: "native" }), both[0]);
  });
});

/** Ends a load as soon as a file that is not finished is there. @returns what is left in the folder */
async function killWhileWriting(attempts = 5): Promise<string[]> {
  const child = spawn(process.execPath, argumentsOf(WASM));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const poll = setInterval(async () => {
    const names = await readdir(folder);
    if (names.some((name) => name.endsWith(".tmp"))) child.kill("SIGKILL");
  }, 1);
  await ended;
  clearInterval(poll);
  const left = await readdir(folder);
  if (left.some((name) => name.endsWith(".tmp")) || attempts === 1) return left;
  for (const name of left) await rm(join(folder, name)); // it was faster than we
  return killWhileWriting(attempts - 1);
}
