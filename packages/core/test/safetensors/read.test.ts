/** Headers and shards of safetensors files, whole and damaged. */
import { describe, expect, it } from "vitest";
import { MilletError, type MilletErrorCode } from "../../src/errors.js";
import { openCheckpoint, readSafetensorsHeader } from "../../src/formats/safetensors/index.js";
import { openSource } from "../../src/store/index.js";
import { wrap } from "../gguf/make.js";
import { makeSafetensors, tensor, withHeader } from "./make.js";

const header = async (bytes: Uint8Array) => readSafetensorsHeader(await openSource(bytes));
const f32 = (start: number, end: number, shape = [(end - start) / 4]) => ({
  dtype: "F32",
  shape,
  data_offsets: [start, end],
});

const open = async (files: Record<string, Uint8Array>) => {
  const source = await openSource({
    files: Object.entries(files).map(([name, location]) => ({ name, location })),
  });
  return openCheckpoint((name) => source.sibling(name), undefined);
};

describe("a header", () => {
  it("tells where tensors lie, in the order of their bytes", async () => {
    const bytes = withHeader({ __metadata__: { format: "pt" }, b: f32(8, 16), a: f32(0, 8, [2, 1]) }, 16);
    const { tensors, byteLength } = await header(bytes);
    expect([...tensors.values()]).toMatchObject([
      { name: "a", shape: [2, 1], offset: byteLength, byteLength: 8, type: { dtype: "f32" } },
      { name: "b", shape: [2], offset: byteLength + 8 },
    ]);
  });

  it("may describe empty tensors, scalars, and types that Millet cannot compute with", async () => {
    const { tensors } = await header(
      withHeader(
        {
          empty: { dtype: "F16", shape: [0, 4], data_offsets: [0, 0] },
          scalar: { dtype: "BF16", shape: [], data_offsets: [0, 2] },
          low: { dtype: "F8_E4M3", shape: [2], data_offsets: [2, 4] },
          half: { dtype: "F4", shape: [4], data_offsets: [4, 6] },
        },
        6,
      ),
    );
    expect([...tensors.values()].map(({ type, byteLength }) => [type.name, type.dtype, byteLength])).toEqual([
      ["f16", "f16", 0],
      ["bf16", "bf16", 2],
      ["f8_e4m3", undefined, 2],
      ["f4", undefined, 2],
    ]);
  });

  const one = (entry: unknown) => ({ a: entry });
  it.each<[string, unknown, number, MilletErrorCode]>([
    ["no object", "[1,2,3]", 0, "SAFETENSORS_BAD_HEADER"],
    ["no JSON", "{a:1}", 0, "SAFETENSORS_BAD_HEADER"],
    ["brackets without end", `{"a":${"[".repeat(5000)}`, 0, "SAFETENSORS_BAD_HEADER"],
    ["objects without end", `{"a":[${"{},".repeat(5000)}1]}`, 0, "SAFETENSORS_BAD_HEADER"],
    ["an entry that is no object", one(5), 0, "SAFETENSORS_BAD_TENSOR"],
    ["an unknown type", one({ ...f32(0, 4), dtype: "F33" }), 4, "SAFETENSORS_UNKNOWN_DTYPE"],
    ["no shape", one({ dtype: "F32", data_offsets: [0, 4] }), 4, "SAFETENSORS_BAD_TENSOR"],
    ["a negative size", one(f32(0, 4, [-1])), 4, "SAFETENSORS_BAD_TENSOR"],
    ["a fraction", one(f32(0, 4, [1.5])), 4, "SAFETENSORS_BAD_TENSOR"],
    ["sizes beyond 2^53", one(f32(0, 4, [2 ** 40, 2 ** 40])), 4, "SAFETENSORS_BAD_TENSOR"],
    ["nine dimensions", one(f32(0, 4, Array(9).fill(1))), 4, "SAFETENSORS_BAD_TENSOR"],
    ["offsets in reverse", one(f32(4, 0, [1])), 4, "SAFETENSORS_BAD_TENSOR"],
    ["offsets of another size", one(f32(0, 8, [1])), 8, "SAFETENSORS_BAD_TENSOR"],
    ["three offsets", one({ ...f32(0, 4), data_offsets: [0, 4, 8] }), 8, "SAFETENSORS_BAD_TENSOR"],
    ["a tensor behind the end", one(f32(0, 8)), 4, "SAFETENSORS_TENSOR_OUT_OF_BOUNDS"],
    ["tensors that overlap", { a: f32(0, 8), b: f32(4, 12) }, 12, "SAFETENSORS_TENSOR_OVERLAP"],
    ["a gap", { a: f32(0, 4), b: f32(8, 12) }, 12, "SAFETENSORS_BAD_TENSOR"],
    [
      "a name twice",
      '{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}',
      2,
      "SAFETENSORS_BAD_TENSOR",
    ],
    ["bytes that belong to nothing", one(f32(0, 4)), 8, "SAFETENSORS_BAD_HEADER"],
  ])("is refused: %s", async (_, json, dataBytes, code) => {
    await expect(header(withHeader(json, dataBytes))).rejects.toMatchObject({ code });
  });

  it("is refused: invalid UTF-8", async () => {
    const bytes = withHeader({ "?": f32(0, 4) }, 4);
    bytes[bytes.indexOf(0x3f)] = 0xff;
    await expect(header(bytes)).rejects.toThrow("the header is not valid UTF-8");
  });

  it("names what is no safetensors file", async () => {
    const text = (content: string) => new TextEncoder().encode(content.padEnd(64));
    await expect(header(text("<html>"))).rejects.toThrow(/a web page/);
    await expect(header(text("version https://git-lfs"))).rejects.toThrow(/Git LFS/);
    await expect(header(text("GGUF"))).rejects.toThrow(/a GGUF file/);
    await expect(header(new Uint8Array(5))).rejects.toMatchObject({ code: "SAFETENSORS_TRUNCATED" });
  });

  it("cut at every byte is a MilletError, and asks for no more than there is", async () => {
    const whole = await makeSafetensors([tensor("a", "F32", [3, 2]), tensor("b", "BF16", [4])]);
    for (let end = 0; end < whole.byteLength; end++) {
      const error: unknown = await header(whole.slice(0, end)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(MilletError);
      expect((error as MilletError).code).toMatch(/^SAFETENSORS_/);
    }
  });

  it("of absurd length is not read", async () => {
    const source = await openSource(withHeader({}, 0));
    const endless = wrap(source, {
      byteLength: 2 ** 45,
      read: async (offset, length) => {
        expect(length).toBeLessThan(100);
        return Uint8Array.of(0, 0, 0, 0, 1, 0, 0, 0, 0x7b).subarray(offset, offset + length);
      },
    });
    await expect(readSafetensorsHeader(endless)).rejects.toMatchObject({ code: "SAFETENSORS_BAD_HEADER" });
  });
});

describe("shards", async () => {
  const [a, b] = [tensor("a", "F32", [3]), tensor("b", "F16", [2, 2])];
  const names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"] as const;
  const shards = { [names[0]]: await makeSafetensors([a]), [names[1]]: await makeSafetensors([b]) };
  const index = (map: unknown) => ({
    "model.safetensors.index.json": new TextEncoder().encode(
      JSON.stringify({ metadata: {}, weight_map: map }),
    ),
  });
  const good = index({ a: names[0], b: names[1] });

  it("are put together", async () => {
    const { tensors, byteLength, identity } = await open({ ...good, ...shards });
    expect([...tensors].map(([name, { source }]) => [name, source.name])).toEqual([
      ["a", names[0]],
      ["b", names[1]],
    ]);
    expect(byteLength).toBe(shards[names[0]]!.byteLength + shards[names[1]]!.byteLength);
    expect(identity.map(({ name }) => name)).toEqual(["model.safetensors.index.json", ...names]);
  });

  it.each<[string, Record<string, Uint8Array>, MilletErrorCode]>([
    ["there is none", { other: new Uint8Array(1) }, "SOURCE_NOT_FOUND"],
    ["one is missing", { ...good, [names[0]]: shards[names[0]]! }, "SAFETENSORS_SHARD_MISSING"],
    ["the index has no map", { ...index(3), ...shards }, "SAFETENSORS_BAD_INDEX"],
    [
      "the index points out of the folder",
      { ...index({ a: "../a.safetensors" }), ...shards },
      "SAFETENSORS_BAD_INDEX",
    ],
    [
      "the index has others",
      { ...index({ a: names[0], b: names[1], c: names[1] }), ...shards },
      "SAFETENSORS_SHARD_MISMATCH",
    ],
    [
      "the index lacks one",
      { ...index({ a: names[0] }), ...shards, [names[0]]: await makeSafetensors([a, b]) },
      "SAFETENSORS_SHARD_MISMATCH",
    ],
    [
      "they are swapped",
      { ...good, [names[0]]: shards[names[1]]!, [names[1]]: shards[names[0]]! },
      "SAFETENSORS_SHARD_MISMATCH",
    ],
    [
      "a tensor is in both",
      { ...good, ...shards, [names[1]]: await makeSafetensors([a, b]) },
      "SAFETENSORS_SHARD_MISMATCH",
    ],
    [
      "one is damaged",
      { ...good, ...shards, [names[1]]: shards[names[1]]!.slice(0, -1) },
      "SAFETENSORS_TENSOR_OUT_OF_BOUNDS",
    ],
  ])("are refused if %s", async (_, files, code) => {
    await expect(open(files)).rejects.toMatchObject({ code });
  });
});
