import { describe, expect, it } from "vitest";
import type { MilletErrorCode } from "../../src/errors.js";
import { type GgufTypedValue, openGguf, readGgufHeader, splitGguf } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { startServer } from "../store/server.js";
import { METADATA, makeGguf, TENSORS, tensor, wrap } from "./make.js";

const tensors = [...TENSORS, tensor("output.weight", "f32", [100, 3], 1200, 4)];

async function split(maxShardBytes: number, prefix = "model") {
  const whole = await openGguf(await openSource(await makeGguf({ metadata: METADATA, tensors })));
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  const names = await splitGguf(whole, {
    prefix,
    maxShardBytes,
    create: async (name) => {
      const pieces: Uint8Array[] = [];
      return {
        write: (bytes) => void pieces.push(bytes.slice()),
        close: async () => void files.set(name, new Uint8Array(Buffer.concat(pieces))),
      };
    },
  });
  return { files, names };
}

const sourceOf = (files: Map<string, Uint8Array>) => ({
  files: [...files].map(([name, location]) => ({ name, location })),
});

/** A shard of our own making. */
const shard = (index: number, count: number, name: string, more: [string, GgufTypedValue][] = []) =>
  makeGguf({
    metadata: [
      ...(index === 0 ? METADATA : []),
      ["split.no", { type: "u16", value: index }],
      ["split.count", { type: "u16", value: count }],
      ["split.tensors.count", { type: "i32", value: 2 }],
      ...more,
    ],
    tensors: [tensor(name, "f32", [4], 16)],
  });

describe("a split model", () => {
  it("reads as the whole one, whichever shard is opened", async () => {
    const { files, names } = await split(1000);
    expect(names).toEqual(["model-00001-of-00002.gguf", "model-00002-of-00002.gguf"]);
    for (const first of [names, names.toReversed()]) {
      const given = sourceOf(new Map(first.map((name) => [name, files.get(name)!])));
      const model = await openGguf(await openSource(given));
      expect([model.name, model.shardCount, model.architecture]).toEqual([names[0], 2, "llama"]);
      expect([...model.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
      expect(model.metadata.get("some.strings")).toEqual(["a", "Ġb", ""]);
      for (const { name, data } of tensors) {
        const bytes = new Uint8Array((data as Uint8Array).byteLength);
        await model.weights.get(name)!.readInto(0, bytes);
        expect(bytes).toEqual(data);
      }
      await model.close();
    }
  });

  it("keeps metadata in the first shard and the split keys in each, as gguf-split does", async () => {
    const { files, names } = await split(1000);
    for (const [index, name] of names.entries()) {
      const { metadata } = await readGgufHeader(await openSource(files.get(name)!));
      expect(metadata.get("split.no")).toBe(index);
      expect(metadata.get("split.count")).toBe(2);
      expect(metadata.get("split.tensors.count")).toBe(tensors.length);
      expect(metadata.info("split.no")?.type).toBe("u16");
      expect(metadata.size).toBe(index === 0 ? METADATA.length + 3 : 3);
    }
  });

  it("opens over HTTP with a handful of requests", async () => {
    const { files, names } = await split(1000);
    await using server = await startServer(Object.fromEntries(files));
    const model = await openGguf(await openSource(`${server.origin}/${names[0]}`));
    expect([model.tensors.size, server.requests.length]).toEqual([tensors.length, 2]);
    await using lone = await startServer({ [names[0]!]: files.get(names[0]!)! });
    const missing = openGguf(await openSource(`${lone.origin}/${names[0]}`));
    await expect(missing).rejects.toMatchObject({ code: "GGUF_SHARD_MISSING" });
  });

  it("does not split a model that is split", async () => {
    const { files } = await split(1000);
    const model = await openGguf(await openSource(sourceOf(files)));
    const again = splitGguf(model, {
      prefix: "x",
      maxShardBytes: 1000,
      create: () => expect.fail("no file"),
    });
    await expect(again).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("shards in trouble", () => {
  const A = "m-00001-of-00002.gguf";
  const B = "m-00002-of-00002.gguf";
  const cases: [string, MilletErrorCode, RegExp, Promise<Record<string, Uint8Array>>][] = [
    [
      "the second is missing",
      "GGUF_SHARD_MISSING",
      /m-00002-of-00002.gguf is missing/,
      all({ [A]: shard(0, 2, "a") }),
    ],
    [
      "the first is missing",
      "GGUF_SHARD_MISSING",
      /m-00001-of-00002.gguf is missing/,
      all({ [B]: shard(1, 2, "b") }),
    ],
    [
      "names do not follow the convention",
      "GGUF_SHARD_MISSING",
      /names like model-00001-of-00002.gguf/,
      all({ "m.gguf": shard(0, 2, "a") }),
    ],
    [
      "the name contradicts the header",
      "GGUF_SHARD_MISMATCH",
      /holds shard 2 of 2/,
      all({ [A]: shard(1, 2, "a") }),
    ],
    [
      "the second is of another model",
      "GGUF_SHARD_MISMATCH",
      /does not hold shard 2 of 2/,
      all({ [A]: shard(0, 2, "a"), [B]: shard(1, 3, "b") }),
    ],
    [
      "the second is not split",
      "GGUF_SHARD_MISMATCH",
      /does not hold/,
      all({ [A]: shard(0, 2, "a"), [B]: makeGguf({ metadata: [], tensors: [] }) }),
    ],
    [
      "a tensor is in both",
      "GGUF_DUPLICATE_TENSOR",
      /"a" is in another shard/,
      all({ [A]: shard(0, 2, "a"), [B]: shard(1, 2, "a") }),
    ],
    [
      "tensors are missing",
      "GGUF_SHARD_MISMATCH",
      /promises 2 tensors, but the shards hold 3/,
      all({ [A]: shard(0, 3, "a"), [B]: shard(1, 3, "b"), c: shard(2, 3, "c") }).then((files) => ({
        "m-00001-of-00003.gguf": files[A]!,
        "m-00002-of-00003.gguf": files[B]!,
        "m-00003-of-00003.gguf": files.c!,
      })),
    ],
    [
      "split.count is text",
      "GGUF_BAD_METADATA",
      /split.count must be a whole number/,
      makeGguf({ metadata: [["split.count", { type: "string", value: "2" }]], tensors: [] }).then((a) => ({
        [A]: a,
      })),
    ],
    [
      "the second is damaged",
      "GGUF_BAD_MAGIC",
      /^m-00002-of-00002.gguf/,
      all({ [A]: shard(0, 2, "a"), [B]: Promise.resolve(Buffer.from("not a GGUF file")) }),
    ],
  ];

  it.each(cases)("%s", async (_what, code, message, files) => {
    const error = await openGguf(await openSource(sourceOf(new Map(Object.entries(await files))))).catch(
      (e) => e,
    );
    expect(error).toMatchObject({ name: "MilletError", code });
    expect(error.message).toMatch(message);
  });

  it("closes what it opened and leaves the given source open", async () => {
    const files = await all({ [A]: shard(0, 2, "a"), [B]: shard(1, 3, "b") });
    const source = await openSource(sourceOf(new Map(Object.entries(files))));
    let closed = 0;
    const given = wrap(source, {
      sibling: async (name) => wrap(await source.sibling(name), { close: async () => void closed++ }),
    });
    await expect(openGguf(given)).rejects.toMatchObject({ code: "GGUF_SHARD_MISMATCH" });
    expect(closed).toBe(1);
    await source.read(0, 4);
  });
});

async function all(files: Record<string, Promise<Uint8Array>>): Promise<Record<string, Uint8Array>> {
  const entries = Object.entries(files).map(async ([name, file]) => [name, await file] as const);
  return Object.fromEntries(await Promise.all(entries));
}
