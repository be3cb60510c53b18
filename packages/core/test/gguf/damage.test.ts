import { describe, expect, it } from "vitest";
import type { MilletError, MilletErrorCode } from "../../src/errors.js";
import { openGguf } from "../../src/formats/gguf/index.js";
import { openSource } from "../../src/store/index.js";
import { find, METADATA, makeGguf, sample, TENSORS, tensor } from "./make.js";

const whole = await sample();

/** A copy of the sample, changed. */
function damaged(change: (bytes: Uint8Array, view: DataView) => void): Uint8Array {
  const bytes = whole.slice();
  change(bytes, new DataView(bytes.buffer));
  return bytes;
}

async function failure(bytes: Uint8Array): Promise<MilletError> {
  const source = await openSource({ files: [{ name: "model.gguf", location: bytes }] });
  return openGguf(source).then(
    () => expect.fail("this file should not open"),
    (error: MilletError) => error,
  );
}

/** Right behind the name of a tensor: its dimension count, dimensions, type, offset. */
const behind = (name: string) => find(whole, name) + name.length;
const q = behind("blk.0.attn_q.weight");
const big = (view: DataView, at: number, value: bigint) => view.setBigUint64(at, value, true);

const withTensor = (change: Partial<ReturnType<typeof tensor>>) =>
  makeGguf({ metadata: METADATA, tensors: [...TENSORS, { ...tensor("x", "f32", [1], 4), ...change }] });
const withKey = (key: string, type: string, value: unknown) =>
  makeGguf({ metadata: [...METADATA, [key, { type, value } as (typeof METADATA)[number][1]]], tensors: [] });

const CASES: [
  what: string,
  code: MilletErrorCode,
  message: RegExp,
  bytes: Uint8Array | Promise<Uint8Array>,
][] = [
  ["an empty file", "GGUF_TRUNCATED", /ends at byte 0/, new Uint8Array()],
  ["two bytes", "GGUF_TRUNCATED", /incomplete/, whole.slice(0, 2)],
  ["half a preamble", "GGUF_TRUNCATED", /ends at byte 20/, whole.slice(0, 20)],
  ["half the metadata", "GGUF_TRUNCATED", /incomplete/, whole.slice(0, 200)],
  ["half the tensor list", "GGUF_TRUNCATED", /amid its header/, whole.slice(0, q)],
  ["half the data", "GGUF_TENSOR_OUT_OF_BOUNDS", /"blk.1.attn_q.weight" ends at byte/, whole.slice(0, -40)],
  ["another magic", "GGUF_BAD_MAGIC", /begins with "XGUF"/, damaged((b) => b.set([88]))],
  ["a web page", "GGUF_BAD_MAGIC", /web page/, Buffer.from("<!DOCTYPE html><title>404</title>")],
  ["a Git LFS pointer", "GGUF_BAD_MAGIC", /LFS/, Buffer.from("version https://git-lfs.github.com/spec/v1\n")],
  ["version 1", "GGUF_UNSUPPORTED_VERSION", /version 1;/, damaged((_, v) => v.setUint32(4, 1, true))],
  ["version 4", "GGUF_UNSUPPORTED_VERSION", /newer Millet/, damaged((_, v) => v.setUint32(4, 4, true))],
  ["a big-endian file", "GGUF_BIG_ENDIAN", /big endian/, damaged((_, v) => v.setUint32(4, 3, false))],
  [
    "2^60 tensors",
    "GGUF_BAD_COUNT",
    /claims 11529215046068\d+ tensors/,
    damaged((_, v) => big(v, 8, 1n << 60n)),
  ],
  ["2^60 keys", "GGUF_BAD_COUNT", /metadata keys/, damaged((_, v) => big(v, 16, 1n << 60n))],
  ["more keys than bytes", "GGUF_TRUNCATED", /left/, damaged((_, v) => big(v, 16, 60_000n))],
  [
    "a key of 2^60 bytes",
    "GGUF_BAD_STRING",
    /bytes of a metadata key/,
    damaged((_, v) => big(v, 24, 1n << 60n)),
  ],
  ["a key longer than the file", "GGUF_TRUNCATED", /left/, damaged((_, v) => big(v, 24, 5000n))],
  ["a key that is no UTF-8", "GGUF_BAD_STRING", /not valid UTF-8/, damaged((b) => b.set([0xff], 32))],
  [
    "a value type 99",
    "GGUF_BAD_METADATA",
    /"general.architecture" has the unknown value type 99/,
    damaged((_, v) => v.setUint32(find(whole, "general.architecture") + 20, 99, true)),
  ],
  [
    "a bool of 2",
    "GGUF_BAD_METADATA",
    /true \(1\) or false \(0\)/,
    damaged((b) => b.set([2], find(b, "some.flag") + 13)),
  ],
  [
    "an array of arrays",
    "GGUF_NESTED_ARRAY",
    /"some.numbers" is an array of arrays/,
    damaged((_, v) => v.setUint32(find(whole, "some.numbers") + 16, 9, true)),
  ],
  [
    "an array of 2^61 numbers",
    "GGUF_BAD_COUNT",
    /elements of "some.numbers"/,
    damaged((_, v) => big(v, find(whole, "some.numbers") + 20, 1n << 61n)),
  ],
  [
    "an array of 2^61 strings",
    "GGUF_BAD_COUNT",
    /elements of "some.strings"/,
    damaged((_, v) => big(v, find(whole, "some.strings") + 20, 1n << 61n)),
  ],
  [
    "a key twice",
    "GGUF_DUPLICATE_KEY",
    /"llama.block_count" occurs twice/,
    withKey("llama.block_count", "u32", 2),
  ],
  ["an alignment of 24", "GGUF_BAD_METADATA", /general.alignment/, withKey("general.alignment", "u32", 24)],
  [
    "an alignment of 0",
    "GGUF_BAD_METADATA",
    /general.alignment/,
    makeGguf({ metadata: [["general.alignment", { type: "u32", value: 0 }]], tensors: [] }),
  ],
  [
    "an alignment that is text",
    "GGUF_BAD_METADATA",
    /general.alignment/,
    withKey("general.alignment", "string", "32"),
  ],
  ["5 dimensions", "GGUF_BAD_TENSOR", /has 5 dimensions/, damaged((_, v) => v.setUint32(q, 5, true))],
  [
    "a dimension of 0",
    "GGUF_BAD_TENSOR",
    /impossible shape \[0, 64\]/,
    damaged((_, v) => big(v, q + 12, 0n)),
  ],
  [
    "dimensions beyond 2^53",
    "GGUF_BAD_TENSOR",
    /impossible shape/,
    damaged((_, v) => big(v, q + 12, 1n << 50n)),
  ],
  ["rows of half a block", "GGUF_BAD_TENSOR", /multiple of 32/, damaged((_, v) => big(v, q + 4, 48n))],
  [
    "a tensor twice",
    "GGUF_DUPLICATE_TENSOR",
    /"token_embd.weight" occurs twice/,
    withTensor({ name: "token_embd.weight" }),
  ],
  ["a misaligned tensor", "GGUF_TENSOR_MISALIGNED", /multiple of 32/, damaged((_, v) => big(v, q + 24, 65n))],
  [
    "overlapping tensors",
    "GGUF_TENSOR_OVERLAP",
    /within "token_embd.weight"/,
    damaged((_, v) => big(v, q + 24, 32n)),
  ],
  [
    "a tensor behind the end",
    "GGUF_TENSOR_OUT_OF_BOUNDS",
    /ends at byte/,
    damaged((_, v) => big(v, q + 24, 1n << 40n)),
  ],
  [
    "a tensor larger than the file",
    "GGUF_TENSOR_OUT_OF_BOUNDS",
    /incomplete/,
    damaged((_, v) => big(v, q + 12, 1n << 30n)),
  ],
];

describe("damage", () => {
  it.each(CASES)("%s gives %s", async (_what, code, message, bytes) => {
    const error = await failure(await bytes);
    expect(error).toMatchObject({ name: "MilletError", code });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^model\.gguf/);
  });

  it("anywhere in the file, cut at every byte, never gives anything but a MilletError", async () => {
    for (let length = 0; length < whole.length - 64; length++) {
      const error = await failure(whole.slice(0, length));
      expect(["GGUF_TRUNCATED", "GGUF_TENSOR_OUT_OF_BOUNDS"]).toContain(error.code);
    }
  });

  it.each([
    [57, "type 57"],
    [4, "q4_2"],
  ])(
    "an unknown tensor type (%d) can be inspected, and fails when its weights are asked for",
    async (id, name) => {
      const bytes = damaged((_, view) => view.setUint32(q + 20, id, true));
      const model = await openGguf(await openSource(bytes));
      const got = model.tensors.get("blk.0.attn_q.weight");
      expect(got).toMatchObject({ type: { name }, byteLength: undefined, spec: undefined });
      expect(() => model.weights.get("blk.0.attn_q.weight")).toThrow(name);
    },
  );

  it("stops when asked to", async () => {
    const reading = openGguf(await openSource(whole), { signal: AbortSignal.abort() });
    await expect(reading).rejects.toMatchObject({ code: "ABORTED" });
  });
});
