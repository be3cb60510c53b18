import { appendFileSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import type { MilletError } from "../../src/errors.js";
import { type ModelSource, openSource } from "../../src/store/index.js";
import { allocate } from "../../src/store/source.js";

const folder = mkdtempSync(join(tmpdir(), "millet-store-"));
const path = join(folder, "model.gguf");
const bytes = new Uint8Array(40_000_000).map((_, i) => (i * 31) >> 3);
beforeEach(() => writeFileSync(path, bytes));
afterAll(() => rmSync(folder, { recursive: true }));

const code = (promise: Promise<unknown>) =>
  promise.then(
    () => "no failure",
    (error: MilletError) => error.code,
  );

const kinds: [string, () => ModelSource][] = [
  ["a path", () => path],
  ["a file: URL", () => pathToFileURL(path)],
  ["a file: URL as text", () => String(pathToFileURL(path))],
  ["a Blob", () => new Blob([bytes])],
  ["a File", () => new File([bytes], "model.gguf")],
  ["a Uint8Array", () => bytes],
  ["an ArrayBuffer", () => bytes.buffer],
  ["a data list", () => ({ files: [{ name: "model.gguf", location: path }] })],
  ["a blob: URL", () => URL.createObjectURL(new Blob([bytes]))],
];

describe.each(kinds)("%s", (_kind, source) => {
  it("reads exactly, also into shared memory, and closes", async () => {
    const opened = await openSource(source());
    expect(opened.byteLength).toBe(bytes.length);
    for (const [offset, length] of [
      [0, 4],
      [17, 100_000],
      [bytes.length - 3, 3],
      [5, 0],
      [1, 35_000_000],
    ] as const) {
      const expected = bytes.subarray(offset, offset + length);
      expect(Buffer.compare(await opened.read(offset, length), expected)).toBe(0);
      const shared = new Uint8Array(new SharedArrayBuffer(length + 16), 8, length);
      await opened.readInto(offset, shared);
      expect(Buffer.compare(shared, expected)).toBe(0);
    }
    expect(await code(opened.read(bytes.length - 1, 2))).toBe("SOURCE_TRUNCATED");
    expect(await code(opened.read(0.5, 2))).toBe("INVALID_ARGUMENT");
    expect(await code(opened.read(0, 1, AbortSignal.abort()))).toBe("ABORTED");
    await opened.close();
    await opened.close();
    expect(await code(opened.read(0, 1))).toBe("DISPOSED");
  });
});

describe("siblings", () => {
  it("are found in the same folder", async () => {
    writeFileSync(join(folder, "other.gguf"), "other");
    const opened = await openSource(path);
    const sibling = await opened.sibling("other.gguf");
    await opened.close();
    expect([sibling.name, sibling.byteLength]).toEqual(["other.gguf", 5]);
    await sibling.close();
    expect(await code(opened.sibling("none.gguf"))).toBe("SOURCE_NOT_FOUND");
    expect(await code(opened.sibling("../other.gguf"))).toBe("INVALID_ARGUMENT");
    expect(await code(opened.sibling(".."))).toBe("INVALID_ARGUMENT");
  });

  it("are found by name in a list, whatever their addresses are called", async () => {
    const hashed = join(folder, "two-5f3a.bin");
    writeFileSync(hashed, "two");
    const files = [
      { name: "one", location: Uint8Array.of(1) },
      { name: "two", location: pathToFileURL(hashed) },
    ];
    const one = await openSource({ files });
    const two = await one.sibling("two");
    expect([one.name, two.name, two.byteLength]).toEqual(["one", "two", 3]);
    expect((await two.sibling("one")).byteLength).toBe(1);
    await two.close();
    expect(await code(one.sibling("three"))).toBe("SOURCE_NOT_FOUND");
  });

  it("are found among Files by name, and among nameless Blobs by shard order", async () => {
    const files = await openSource([new File(["1"], "a.gguf"), new File(["22"], "b.gguf")]);
    expect((await files.sibling("b.gguf")).byteLength).toBe(2);
    const blobs = await openSource([new Blob(["1"]), new Blob(["22"])]);
    expect(blobs.name).toBe("model-00001-of-00002.gguf");
    expect((await blobs.sibling("model-00002-of-00002.gguf")).byteLength).toBe(2);
  });

  it("do not exist for lone bytes", async () => {
    expect(await code((await openSource(bytes)).sibling("x.gguf"))).toBe("SOURCE_NOT_FOUND");
  });
});

describe("a local file in trouble", () => {
  it("is missing or no file", async () => {
    expect(await code(openSource(join(folder, "none.gguf")))).toBe("SOURCE_NOT_FOUND");
    expect(await code(openSource(folder))).toBe("SOURCE_NOT_FOUND"); // a folder without a model
  });

  it("grows, shrinks or is written to while it is read", async () => {
    for (const change of [
      () => appendFileSync(path, "more"),
      () => truncateSync(path, 1000),
      () => utimesSync(path, new Date(), new Date(Date.now() + 5000)),
    ]) {
      writeFileSync(path, bytes);
      const opened = await openSource(path);
      await opened.read(0, 10);
      change();
      expect(await code(opened.read(5000, 10))).toBe("SOURCE_CHANGED");
      await opened.close();
    }
  });

  it("stops a large read within a piece", async () => {
    const opened = await openSource(path);
    const controller = new AbortController();
    const read = code(opened.read(0, bytes.length, controller.signal));
    controller.abort();
    expect(await read).toBe("ABORTED");
    await opened.close();
  });
});

describe("a read beyond memory", () => {
  it("says so", () => {
    const refused = expect.objectContaining({ code: "OUT_OF_MEMORY" });
    expect(() => allocate("model.gguf", 2 ** 52)).toThrow(refused);
    expect(allocate("model.gguf", 5)).toEqual(new Uint8Array(5));
  });
});

describe("what is no source", () => {
  it("is refused", async () => {
    for (const wrong of [null, undefined, 5, {}, { files: [] }, "ftp://host/x", "http://"]) {
      expect(await code(openSource(wrong as ModelSource))).toBe("INVALID_ARGUMENT");
    }
  });

  it("returns an open ByteSource as it is", async () => {
    const opened = await openSource(bytes);
    expect(await openSource(opened)).toBe(opened);
  });
});

describe("the browser build", () => {
  it("bundles without configuration and without Node's modules", async () => {
    const entry = new URL("../../src/store/index.ts", import.meta.url).pathname;
    const result = await build({
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      platform: "browser",
      write: false,
      metafile: true,
    });
    const imports = Object.values(result.metafile.inputs).flatMap((input) => input.imports);
    expect(imports.filter((each) => each.external)).toEqual([]);
  });
});
