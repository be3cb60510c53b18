/** Where records are kept: a folder in Node. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { defaultStore, fileStore } from "../../src/tuning/store.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-tuning-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

describe("a store of files", () => {
  test("keeps texts by name and leaves nothing else behind", async () => {
    const store = fileStore(join(folder, "deep", "inside"));
    await expect(store.read("one.json")).rejects.toThrow(/ENOENT/);
    await store.write("one.json", "first");
    await store.write("one.json", "second");
    await store.write("two.json", "other");
    expect(await store.read("one.json")).toBe("second");
    expect((await readdir(join(folder, "deep", "inside"))).sort()).toEqual(["one.json", "two.json"]);
  });

  test("rejects where no folder can be", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(fileStore(join(folder, "file", "below")).write("one.json", "")).rejects.toThrow();
  });

  test("is the default in Node, in the user's cache folder", async () => {
    vi.stubEnv("XDG_CACHE_HOME", folder);
    await defaultStore()!.write("one.json", "text");
    expect(await readdir(join(folder, "millet", "webgpu"))).toEqual(["one.json"]);
  });
});
