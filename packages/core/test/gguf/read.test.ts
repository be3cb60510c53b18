import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { describeWith, sharedData } from "../../../../test/support/availability.js";
import { GGML_TYPES, openGguf, readGgufHeader } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { DTYPES, isDType } from "../../src/tensor/dtype.js";
import { METADATA, makeGguf, sample, TENSORS, wrap } from "./make.js";

const fixture = (name: string) => new URL(`../../../../fixtures/gguf/${name}`, import.meta.url);
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

interface Expected {
  metadata: Record<string, unknown>;
  tensors: Record<string, { type: string; shape: number[]; offset: number; sha256: string }>;
}

/** Typed arrays and 64-bit integers as the JSON of the fixture spells them. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (value instanceof BigInt64Array || value instanceof BigUint64Array) return Array.from(value, String);
  return ArrayBuffer.isView(value) ? Array.from(value as Float64Array) : value;
}

describe("a file that the Python package gguf wrote", async () => {
  const expected = JSON.parse(readFileSync(fixture("all-types.json"), "utf8")) as Expected;
  const model = await openGguf(await openSource(fixture("all-types.gguf")));

  it.each(Object.entries(expected.metadata))("%s", (key, value) => {
    const got = plain(model.metadata.get(key));
    if (key.endsWith("f32") && typeof value === "number") expect(got).toBe(Math.fround(value));
    else if (key.endsWith("array.bool")) expect(got).toEqual((value as boolean[]).map(Number));
    else expect(typeof got === "number" && typeof value === "string" ? String(got) : got).toEqual(value);
  });

  it("has every type as documented", () => {
    const { metadata } = model;
    expect(metadata.get("test.u64")).toBe(2n ** 64n - 1n);
    expect(metadata.get("test.u64.small")).toBe(2 ** 53 - 1);
    expect(metadata.get("test.array.i32")).toBeInstanceOf(Int32Array);
    expect(metadata.get("test.array.u64")).toBeInstanceOf(BigUint64Array);
    expect(metadata.get("test.array.string")).toBe(metadata.get("test.array.string"));
    expect(metadata.info("test.array.string")).toEqual({ type: "array", elementType: "string", length: 6 });
    expect(metadata.info("test.f64")).toEqual({ type: "f64", elementType: "f64", length: 1 });
    expect(metadata.get("nothing")).toBeUndefined();
    expect(model.architecture).toBe("test");
  });

  it.each(Object.entries(expected.tensors))(
    "tensor %s",
    async (name, { type, shape, offset, sha256: hash }) => {
      const tensor = model.tensors.get(name)!;
      expect([tensor.type.name, tensor.shape, tensor.offset]).toEqual([type, shape, offset]);
      expect(tensor.spec).toEqual(isDType(type) ? { dtype: type, shape } : undefined);
      expect(sha256(await tensor.source.read(tensor.offset, tensor.byteLength!))).toBe(hash);
      if (!isDType(type)) return;
      const bytes = new Uint8Array(new SharedArrayBuffer(tensor.byteLength!));
      await model.weights.get(name)!.readInto(0, bytes);
      expect(sha256(bytes)).toBe(hash);
    },
  );

  it("names the tensor and its type when weights are of a type that Millet lacks", () => {
    expect(model.weights.has("unsupported.tq1_0")).toBe(true);
    expect(() => model.weights.get("unsupported.tq1_0")).toThrow(/"unsupported.tq1_0" is stored as tq1_0/);
    expect(() => [...model.weights]).toThrow(expect.objectContaining({ code: "GGUF_UNKNOWN_QUANT_TYPE" }));
    expect(model.weights.get("nothing")).toBeUndefined();
  });

  it("refuses to read beyond a tensor", async () => {
    const weight = model.weights.get("one")!;
    const two = new Uint8Array(2);
    await weight.readInto(10, two);
    const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    await expect(weight.readInto(11, two)).rejects.toEqual(refused);
    await expect(weight.readInto(-1, two)).rejects.toEqual(refused);
  });

  it("iterates like a map", () => {
    expect(model.metadata.size).toBe([...model.metadata].length);
    expect([...model.metadata.keys()].length).toBe([...model.metadata.values()].length);
    let visited = 0;
    model.metadata.forEach(() => visited++);
    expect(visited).toBe(model.metadata.size);
    expect(model.weights.size).toBe(model.tensors.size);
  });

  it("is written again byte for byte from what was read", async () => {
    const tensors = await Promise.all(
      [...model.tensors.values()].map(async ({ name, type, shape, source, offset, byteLength }) => ({
        name,
        type: type.name,
        shape,
        data: await source.read(offset, byteLength!),
      })),
    );
    const written = await makeGguf({ metadata: model.metadata.typed(), tensors });
    expect(Buffer.compare(written, readFileSync(fixture("all-types.gguf")))).toBe(0);
  });
});

describe("the table of GGML types", () => {
  it("agrees with ours on sizes", () => {
    for (const { name, dtype, block } of GGML_TYPES.values()) {
      if (!dtype) continue;
      const { blockElements, blockBytes } = DTYPES[dtype];
      expect({ name, ...block }).toEqual({ name: dtype, elements: blockElements, bytes: blockBytes });
    }
    const ours = Object.keys(DTYPES).filter((name) => name !== "u8" && name !== "u32"); // GGML has no unsigned types
    expect([...GGML_TYPES.values()].flatMap(({ dtype }) => dtype ?? []).sort()).toEqual(ours.sort());
  });
});

describe("our own writer", () => {
  it("round-trips, also in version 2 and with another alignment", async () => {
    for (const extra of [[], [["general.alignment", { type: "u32", value: 256 }] as const]]) {
      for (const version of [2, 3] as const) {
        const bytes = await makeGguf({ version, metadata: [...METADATA, ...extra], tensors: TENSORS });
        const model = await openGguf(await openSource(bytes));
        expect(model.version).toBe(version);
        expect([...model.metadata.typed()].map(([key]) => key)).toEqual(
          [...METADATA, ...extra].map(([key]) => key),
        );
        for (const { name, shape, data } of TENSORS) {
          const { offset, source, byteLength, ...tensor } = model.tensors.get(name)!;
          expect(tensor.shape).toEqual(shape);
          expect(offset % (extra.length ? 256 : 32)).toBe(0);
          expect(await source.read(offset, byteLength!)).toEqual(data);
        }
      }
    }
  });

  it("refuses data of the wrong size and unknown types", async () => {
    const [first] = TENSORS;
    const refused = expect.objectContaining({ code: "INVALID_ARGUMENT" });
    const write = (change: object) => makeGguf({ metadata: [], tensors: [{ ...first!, ...change }] });
    await expect(write({ data: new Uint8Array(47) })).rejects.toEqual(refused);
    await expect(write({ type: "q9_9" })).rejects.toEqual(refused);
    await expect(write({ type: "q4_0" })).rejects.toEqual(refused);
  });

  it("takes data in pieces", async () => {
    const [first] = TENSORS;
    const data = first!.data as Uint8Array;
    const whole = await makeGguf({ metadata: [], tensors: [first!] });
    const pieces = () => [data.subarray(0, 5), data.subarray(5)];
    expect(await makeGguf({ metadata: [], tensors: [{ ...first!, data: pieces }] })).toEqual(whole);
  });
});

describe("large headers", () => {
  const strings = Array.from({ length: 150_000 }, (_, i) => (i % 3 ? `Ġtoken${i}` : `t${i}`));

  it("reads 150,000 strings and as many scores, and only the header", async () => {
    const bytes = await makeGguf({
      metadata: [
        ["tokens", { type: "array", elementType: "string", value: strings }],
        ["scores", { type: "array", elementType: "f32", value: new Float32Array(150_000) }],
      ],
      tensors: [{ name: "big", type: "f32", shape: [4_000_000], data: new Uint8Array(16_000_000) }],
    });
    let readBytes = 0;
    const source = await openSource(bytes);
    const counting = wrap(source, {
      readInto: (offset, target) => {
        readBytes += target.byteLength;
        return source.readInto(offset, target);
      },
    });
    const header = await readGgufHeader(counting);
    expect(header.metadata.get("tokens")).toEqual(strings);
    expect(readBytes).toBeLessThan(4 * header.byteLength);
    expect(readBytes).toBeLessThan(bytes.byteLength);
  });
});

describe("text", () => {
  it("replaces malformed UTF-8 in values instead of failing", async () => {
    const bytes = await sample();
    bytes[Buffer.from(bytes).indexOf("Ġb")] = 0xff;
    const model = await openGguf(await openSource(bytes));
    expect((model.metadata.get("some.strings") as string[])[1]).toMatch(/�/);
  });
});

describeWith(sharedData("models/stories260K.gguf"), "stories260K", (path) => {
  it("opens", async () => {
    const model = await openGguf(await openSource(path));
    expect([model.version, model.architecture, model.tensors.size]).toEqual([3, "llama", 48]);
    expect(model.tensors.get("token_embd.weight")!.spec).toEqual({ dtype: "f32", shape: [512, 64] });
    expect(model.metadata.get("llama.embedding_length")).toBe(64);
    await model.close();
  });
});

describeWith(sharedData("tokenizers/ggml-vocab-falcon.gguf"), "falcon's vocabulary, of version 2", (path) => {
  it("opens without tensors", async () => {
    const model = await openGguf(await openSource(path));
    expect([model.version, model.architecture, model.tensors.size]).toEqual([2, "falcon", 0]);
    expect(model.metadata.info("tokenizer.ggml.tokens")?.length).toBe(65024);
    const tokens = model.metadata.get("tokenizer.ggml.tokens") as string[];
    expect([tokens.length, tokens.indexOf("Ġthe") > 0]).toEqual([65024, true]);
    await model.close();
  });
});
