/** Data that is dear to make is made once, unless its file is not what was written. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { kept } from "../../src/nnapi/kept-json.js";
import { nodeFiles } from "../../src/runtime/node-files.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-test-"));
});
afterEach(() => rm(folder, { recursive: true }));

const data = () => ({
  name: "fused",
  floats: new Set(["k"]),
  linears: new Map([["q", { factors: Float32Array.of(0.1, -3e-8, 0), levels: [{ scale: 0.25 }] }]]),
});

test("maps, sets and floats come back as they were, for the same key alone", async () => {
  const files = nodeFiles(folder);
  let made = 0;
  const get = (key: string) => kept(files, "plan.json", key, async () => ({ ...data(), made: ++made }));
  expect(await get("a b")).toEqual({ ...data(), made: 1 });
  expect(await get("a b")).toEqual({ ...data(), made: 1 });
  expect(await get("a c")).toEqual({ ...data(), made: 2 });
});

test("what is one array stays one array", async () => {
  const files = nodeFiles(folder);
  const shared = Float32Array.of(1, 2);
  const get = () =>
    kept(files, "plan.json", "key", async () => ({ a: shared, b: shared, c: shared.slice() }));
  await get();
  const again = await get();
  expect(again).toEqual({ a: shared, b: shared, c: shared });
  expect(again.a).not.toBe(shared);
  expect(again.b).toBe(again.a);
  expect(again.c).not.toBe(again.a);
});

test("a damaged file counts for nothing, and a full disk is no failure", async () => {
  const files = nodeFiles(folder);
  await kept(files, "plan.json", "key", async () => data());
  const text = await readFile(files.path("plan.json"), "utf8");
  for (const damaged of ["", "x", text.slice(0, -1), text.replace("0.25", "0.75")]) {
    await writeFile(files.path("plan.json"), damaged);
    expect(await kept(files, "plan.json", "key", async () => "made anew")).toBe("made anew");
  }
  const full = { ...files, write: () => Promise.reject(new Error("ENOSPC")) };
  expect(await kept(full, "other.json", "key", async () => 7)).toBe(7);
});
