/** Packed files: what is kept comes back, and nothing that is stale, damaged or half written ever does. */
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { DType, KnownOrigin } from "@millet/core/tensor";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.js";
import { loadWeights } from "../../src/load-weights.js";
import { HEADER_BYTES } from "../../src/packed-file/header.js";
import { packedIdentity } from "../../src/packed-file/identity.js";
import { type NodeParts, nodeParts } from "../../src/packed-file/node.js";
import { PackedFile } from "../../src/packed-file/packed-file.js";
import { InlineEngine } from "../support/inline-engine.js";
import { ORIGIN, smallModel } from "../support/small-model.js";

const node = nodeParts()!;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millet-packed-"));
});

afterEach(() => rm(folder, { recursive: true }));

/** A load: from the packed file, or from the model and kept. */
async function load({
  origin = ORIGIN as KnownOrigin | undefined,
  dtype = "q8_0" as DType,
  parts = node,
  where = folder as true | string,
} = {}) {
  const { plan, weights } = smallModel(origin, dtype);
  const engine = new InlineEngine(plan.maximumBytes);
  const packed = new PackedFile(where, plan, weights, parts);
  const restored = await packed.restore(engine, {});
  const { address, byteLength } = plan.packed;
  if (!restored) {
    expect(engine.view(address, byteLength).every((byte) => byte === 0)).toBe(true);
    await loadWeights(engine, plan, weights, {});
    await packed.save(engine, {});
  }
  return { ...packed.report, bytes: Buffer.from(engine.view(address, byteLength)) };
}

async function onlyFile(): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0]!);
}

test("what is written is used, to the byte, and stays as it is", async () => {
  const first = await load();
  expect(first).toMatchObject({ state: "written", path: await onlyFile(), problems: [] });
  const written = await readFile(first.path!);
  const second = await load();
  expect(second).toMatchObject({ state: "used", path: first.path, problems: [] });
  expect(second.bytes.equals(first.bytes)).toBe(true);
  expect(second.bytes.equals(written.subarray(HEADER_BYTES))).toBe(true);
  expect((await readFile(first.path!)).equals(written)).toBe(true);
});

describe("another state of model or layout is never used, and replaces what was kept", () => {
  test("another version of the model file", async () => {
    await load();
    const changed = await load({ origin: { ...ORIGIN, version: "2" } as KnownOrigin });
    expect(changed).toMatchObject({ state: "written", path: await onlyFile() });
    expect(changed.problems.join()).toContain("made from another state of the model");
    expect((await load({ origin: { ...ORIGIN, version: "2" } as KnownOrigin })).state).toBe("used");
    expect((await load()).state).toBe("written");
  });

  test("another set of types", async () => {
    await load();
    expect((await load({ dtype: "q4_0" })).state).toBe("written");
  });

  test("the key covers layout, names, types, places and files", () => {
    const keyOf = (origin: KnownOrigin, dtype: DType, layout = 1) => {
      const { plan, weights } = smallModel(origin, dtype);
      const identity = packedIdentity(plan, weights, node.sha256, layout);
      return typeof identity === "string" ? identity : identity.key;
    };
    const known = { location: "/models/small.gguf", version: "1" };
    const keys = [
      keyOf(known, "q8_0"),
      keyOf(known, "q8_0", 2),
      keyOf({ ...known, version: "2" }, "q8_0"),
      keyOf({ ...known, location: "/models/other.gguf" }, "q8_0"),
      keyOf(known, "q4_0"),
      keyOf(known, "q4_1"),
    ];
    expect(new Set(keys).size).toBe(keys.length);
    expect(keyOf(known, "q8_0")).toBe(keys[0]);
    const { plan, weights } = smallModel(known);
    const placed = (place: { offset: number; made?: string }) =>
      new Map([...weights].map(([name, source]) => [name, { ...source, place: { file: known, ...place } }]));
    const places = [{ offset: 0 }, { offset: 0, made: "1 + w" }, { offset: 0, made: "transpose" }];
    const others = places.map((place) => packedIdentity(plan, placed(place), node.sha256));
    const found = others.map((identity) => (typeof identity === "string" ? identity : identity.key));
    expect(new Set([keys[0], ...found]).size).toBe(4);
  });
});

describe("damage is noticed, and the file replaced", () => {
  /** Byte to change, from the end if negative. */
  const flips = {
    magic: 3,
    "the header's sum": 30,
    "the header's body": 120,
    "the first weight": HEADER_BYTES,
    "the middle": 1_500_000,
    "the last byte": -1,
  };

  test.each(Object.entries(flips))("a changed bit in %s", async (_, at) => {
    const { path, bytes } = await load();
    const file = await readFile(path!);
    const index = at < 0 ? file.length + at : at;
    file[index]! ^= 1;
    await writeFile(path!, file);
    const next = await load();
    expect(next).toMatchObject({ state: "written", path });
    expect(next.problems.join()).toMatch(/damaged|no packed file of this version/);
    expect(next.bytes.equals(bytes)).toBe(true);
    expect((await load()).state).toBe("used");
  });

  test.each([0, 100, HEADER_BYTES, HEADER_BYTES + 65536, -1])("a file cut off at byte %i", async (at) => {
    const { path } = await load();
    const { length } = await readFile(path!);
    await truncate(path!, at < 0 ? length + at : at);
    expect((await load()).state).toBe("written");
    expect((await load()).state).toBe("used");
  });

  test("a file with something behind it", async () => {
    const { path } = await load();
    await writeFile(path!, "more", { flag: "a" });
    expect((await load()).state).toBe("written");
  });

  test("two blocks in each other's place", async () => {
    const { path } = await load();
    const file = await readFile(path!);
    const [a, b] = [HEADER_BYTES, HEADER_BYTES + (1 << 20)];
    const first = Buffer.from(file.subarray(a, b));
    file.copyWithin(a, b, b + (1 << 20));
    first.copy(file, b);
    await writeFile(path!, file);
    expect((await load()).problems.join()).toContain("damaged");
  });
});

/** The system with another `open`: files that cannot be written, or not as far as wanted. */
function withOpen(open: NodeParts["fs"]["open"]): NodeParts {
  return { ...node, fs: { ...node.fs, open } };
}

/** A disk on which files may have so many bytes. */
function fullDisk(mostBytes: number): NodeParts {
  return withOpen(async (path, flags, mode) => {
    const file = await node.fs.open(path, flags, mode);
    const write = file.write.bind(file);
    const limited = async (data: Uint8Array, offset: number, length: number, position: number) => {
      if (position >= mostBytes)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
      return write(data, offset, Math.min(length, mostBytes - position), position);
    };
    return Object.assign(file, { write: limited });
  });
}

describe("what cannot be written leaves nothing behind and fails no load", () => {
  test.each([0, 1000, HEADER_BYTES, 1_000_000])("a disk that is full after %i bytes", async (bytes) => {
    const report = await load({ parts: fullDisk(bytes) });
    expect(report).toMatchObject({ state: "none", path: undefined });
    expect(report.problems.join()).toContain("could not be written: ENOSPC");
    expect(await readdir(folder)).toEqual([]);
    expect((await load()).state).toBe("written");
  });

  test("a disk that says beforehand that it is full", async () => {
    const statfs: NodeParts["fs"]["statfs"] = async (path) =>
      Object.assign(await node.fs.statfs(path), { bavail: 1 });
    const report = await load({ parts: { ...node, fs: { ...node.fs, statfs } } });
    expect(report.problems.join()).toContain("MB left of the 3");
    expect(await readdir(folder)).toEqual([]);
  });

  test("a full disk keeps the file that was there", async () => {
    const { path } = await load();
    const before = await readFile(path!);
    const other = { origin: { ...ORIGIN, version: "2" } as KnownOrigin };
    expect((await load({ ...other, parts: fullDisk(1_000_000) })).state).toBe("none");
    expect((await readFile(path!)).equals(before)).toBe(true);
    expect((await load()).state).toBe("used");
  });

  test("a folder that is a file", async () => {
    await writeFile(join(folder, "file"), "");
    const { state, problems } = await load({ where: join(folder, "file", "below") });
    expect(state).toBe("none");
    expect(problems).toEqual([expect.stringMatching(/could not be written: E/)]);
  });

  test("beside a model whose folder refuses, the user's cache serves", async () => {
    const cacheFolder = join(folder, "cache", "millet");
    const model = join(folder, "model.gguf");
    const denied = withOpen(async (path, flags, mode) => {
      if (String(path).startsWith(model))
        throw Object.assign(new Error("EACCES: permission denied"), { code: "EACCES" });
      return node.fs.open(path, flags, mode);
    });
    const parts = { ...denied, cacheFolder };
    const origin = { location: model, path: model, version: "1" };
    const first = await load({ origin, where: true, parts });
    expect(first).toMatchObject({ state: "written", path: expect.stringContaining(cacheFolder) });
    expect(await load({ origin, where: true, parts })).toMatchObject({ state: "used", path: first.path });
    const beside = await load({
      origin,
      where: true,
      parts: { ...node, cacheFolder: join(folder, "other") },
    });
    expect(beside).toMatchObject({ state: "written", path: `${model}.millet-packed`, problems: [] });
  });

  test("a remote model's packed file goes to the user's cache", async () => {
    const origin = { location: "https://example.test/m/small.gguf", version: '"etag"' };
    const report = await load({ origin, where: true, parts: { ...node, cacheFolder: folder } });
    expect(report.path).toMatch(/small\.gguf-[0-9a-f]{16}\.millet-packed$/);
  });
});

describe("where nothing can be kept, the report says why", () => {
  const unkept = async (origin: KnownOrigin | undefined, parts: NodeParts | null) => {
    const { plan, weights } = smallModel(origin);
    if (origin === undefined)
      for (const source of weights.values()) Object.assign(source, { place: undefined });
    const packed = new PackedFile(folder, plan, weights, parts);
    expect(await packed.restore(new InlineEngine(plan.maximumBytes), {})).toBe(false);
    await packed.save(new InlineEngine(plan.maximumBytes), {});
    expect(await readdir(folder)).toEqual([]);
    expect(packed.report.state).toBe("none");
    return packed.report.problems.join();
  };

  test("a browser, a model in memory, a file that was just written", async () => {
    expect(await unkept(ORIGIN, null)).toContain("only Node keeps packed weights so far");
    expect(await unkept(undefined, node)).toContain("the model comes from memory");
    expect(await unkept({ unknown: "the clock is coarse" }, node)).toContain(
      "not kept: the clock is coarse.",
    );
  });
});

test("several at once write whole files", async () => {
  const all = await Promise.all([load(), load(), load(), load()]);
  expect(all.every(({ state }) => state !== "none")).toBe(true);
  await onlyFile();
  expect((await load()).state).toBe("used");
});

test("what killed writers left behind goes after a while, what others write now stays", async () => {
  const { path } = await load();
  const [old, fresh] = [`${path}.1-abc.tmp`, `${path}.2-def.tmp`];
  await writeFile(old, "half");
  await utimes(old, new Date(), new Date(Date.now() - 3_600_000));
  await writeFile(fresh, "half");
  await load({ origin: { ...ORIGIN, version: "2" } as KnownOrigin });
  expect((await readdir(folder)).sort()).toEqual(
    [path, fresh].map((file) => file!.slice(folder.length + 1)).sort(),
  );
});

test("an abort ends writing and reading, and leaves nothing behind", async () => {
  const { plan, weights } = smallModel();
  const engine = new InlineEngine(plan.maximumBytes);
  const controller = new AbortController();
  const aborting = withOpen(async (...given) => {
    controller.abort();
    return node.fs.open(...given);
  });
  const saving = new PackedFile(folder, plan, weights, aborting).save(engine, { signal: controller.signal });
  await expect(saving).rejects.toMatchObject({ code: "ABORTED" });
  expect(await readdir(folder)).toEqual([]);
  await load();
  const reading = new PackedFile(folder, plan, weights, node).restore(engine, { signal: controller.signal });
  await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
});

test("after a read that fails no other read comes too late", async () => {
  await load();
  const { plan, weights } = smallModel();
  const memory = new InlineEngine(plan.maximumBytes);
  const engine: Engine = {
    name: "wasm",
    description: "a host that sees no memory: pieces are small",
    threads: 1,
    limitations: [],
    lost: memory.lost,
    byteLength: memory.byteLength,
    reserve: (byteLength) => memory.reserve(byteLength),
    view: () => undefined,
    call: (call) => memory.call(call),
    dispose: () => memory.dispose(),
  };
  let late = 0;
  const parts = withOpen(async (...given) => {
    const file = await node.fs.open(...given);
    const read = file.read.bind(file);
    const failing = async (data: Uint8Array, offset: number, length: number, position: number) => {
      if (position === HEADER_BYTES) throw new Error("EIO: i/o error, read");
      const result = await read(data, offset, length, position);
      if (position > HEADER_BYTES) {
        await setTimeout(50);
        late++;
      }
      return result;
    };
    return Object.assign(file, { read: failing });
  });
  const packed = new PackedFile(folder, plan, weights, parts);
  expect(await packed.restore(engine, {})).toBe(false);
  expect(packed.report.problems.join()).toContain("cannot be read: EIO");
  const { address, byteLength } = plan.packed;
  await setTimeout(150);
  expect(late).toBe(1); // it was under way, and nothing was begun after it
  expect(memory.view(address, byteLength).every((byte) => byte === 0)).toBe(true);
});
