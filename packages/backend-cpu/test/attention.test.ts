/**
 * Attention over a context of several segments, with every type of KV cache: a row alone, whose segments the threads share,
 * has the bits of the same row in a chunk, whose segments one thread merges; both are close to the reference.
 */
import { KV_DTYPES, type KvDType, reference } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import { cpu } from "../src/index.js";
import { expectNaN, LONG_SHAPES, lastRow } from "./support/long-attention.js";

/** Of the squared error: the reference's keys may round to the neighbour, and q8_0 takes queries as i16. */
const TOLERANCE: Readonly<Record<KvDType, number>> = { f32: 1e-11, f16: 1e-9, q8_0: 1e-7 };

describe.each(KV_DTYPES)("%s cache", (dtype) => {
  describe.each(LONG_SHAPES)("%o", (shape) => {
    test("a row alone has the bits of the row in its chunk, for any threads", async () => {
      const wasm = async (threads: number) =>
        lastRow(await cpu({ engine: "wasm", threads }).create(), shape, dtype);
      const [chunk, alone] = await wasm(1);
      expect(alone).toEqual(chunk);
      for (const threads of [2, 3]) expect(await wasm(threads)).toEqual([chunk, chunk]);
    });

    test("is close to the reference", async () => {
      const [actual] = await lastRow(await cpu({ engine: "wasm", threads: 2 }).create(), shape, dtype);
      const [expected] = await lastRow(await reference().create(), shape, dtype);
      const squares = (f: (i: number) => number) => actual!.reduce((sum, _, i) => sum + f(i) ** 2, 0);
      const error = squares((i) => actual![i]! - expected![i]!) / squares((i) => expected![i]!);
      expect(error).toBeLessThan(TOLERANCE[dtype]);
    });
  });
});

test.each(LONG_SHAPES)(
  "%o: an f16 cache gives the bits of an f32 cache of the same values",
  async (shape) => {
    const wasm = async (dtype: KvDType) =>
      lastRow(await cpu({ engine: "wasm", threads: 2 }).create(), shape, dtype, "f16");
    expect(await wasm("f16")).toEqual(await wasm("f32"));
  },
);

test.each(LONG_SHAPES)(
  "%o: a q8_0 cache gives the same bits with plain SIMD, which lays it out in pairs",
  async (shape) => {
    const wasm = async (simd: "auto" | "plain") =>
      lastRow(await cpu({ engine: "wasm", simd, threads: 2 }).create(), shape, "q8_0");
    expect(await wasm("plain")).toEqual(await wasm("auto"));
  },
);

test("NaN in a key reaches the heads that see it, and no others", async () => {
  await expectNaN(await cpu({ engine: "wasm", threads: 2 }).create());
});
