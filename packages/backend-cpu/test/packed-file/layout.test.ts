/**
 * The packed form of every type, held against what PACKED_LAYOUT_VERSION stands for. Where this fails because the form
 * has changed, count the version up and record the new digests: files of the old form must not be used.
 */
import { createHash } from "node:crypto";
import { DTYPES, type DType } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import {
  PACKED_LAYOUT_VERSION,
  packedByteLength,
  packedInfo,
  WEIGHT_TYPES,
} from "../../src/pack/packed-type.js";
import { encodeProgram, units } from "../../src/program/program.js";
import { InlineEngine } from "../support/inline-engine.js";

const VERSION = 1;
const DIGESTS: Readonly<Record<string, string>> = {
  bf16: "6ebae3fda477f757",
  f16: "6ebae3fda477f757",
  f32: "de807556e715fff1",
  iq4_nl: "862fc603f8d9cc41",
  iq4_xs: "2b6f4380f50e4198",
  q2_k: "e501d264ecbe413e",
  q3_k: "c77b2902d3cf441a",
  q4_0: "862fc603f8d9cc41",
  q4_1: "d7235ac820ab6fea",
  q4_k: "a4e84a37b141e964",
  q5_0: "b00429ceac7ba7d8",
  q5_1: "b441df3cb5aca99b",
  q5_k: "9d87cd0d645c8832",
  q6_k: "856cbe1c4cdf6384",
  q8_0: "2c4cc8834e5c6ff8",
};

const RAW = 65536;
const PACKED = 1 << 18;
const PROGRAM = 1 << 19;

function packedDigest(dtype: DType): string {
  const spec = { dtype, shape: [13, 512] };
  const { blockElements, blockBytes } = DTYPES[dtype];
  const random = new Random(11);
  const raw = Uint8Array.from({ length: (13 * 512 * blockBytes) / blockElements }, () => random.next() * 256);
  const engine = new InlineEngine(1 << 20);
  engine.view(RAW, raw.length).set(raw);
  const operands = [units(RAW), 13, 512, units(PACKED)];
  const { words } = encodeProgram("pack", [
    { opcode: packedInfo(spec).pack, label: "", operands, accesses: [] },
  ]);
  engine.runNow({ writes: [{ address: PROGRAM, data: new Uint8Array(words.buffer) }], program: PROGRAM });
  const packed = engine.view(PACKED, packedByteLength(spec));
  return createHash("sha256").update(packed).digest("hex").slice(0, 16);
}

describe(`packed layout ${VERSION}`, () => {
  test("the version", () => expect(PACKED_LAYOUT_VERSION).toBe(VERSION));

  test("every type has its digest", () =>
    expect(Object.keys(DIGESTS).sort()).toEqual([...WEIGHT_TYPES.wasm].sort()));

  test.each([...WEIGHT_TYPES.wasm])("%s", (dtype) => expect(packedDigest(dtype)).toBe(DIGESTS[dtype]));

  test.each([...WEIGHT_TYPES.wasm])("%s takes at most 1.15 times the file's bytes", (dtype) => {
    const { blockElements, blockBytes } = DTYPES[dtype];
    const fileBytes = (2048 * 2048 * blockBytes) / blockElements;
    expect(packedByteLength({ dtype, shape: [2048, 2048] })).toBeLessThanOrEqual(1.15 * fileBytes);
  });
});
