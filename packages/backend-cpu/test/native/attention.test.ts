/** The KV cache of every type: attention on the native engine gives the WASM engine's bits, on every instruction set. */
import { KV_DTYPES } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { cpu } from "../../src/index.js";
import { expectNaN, LONG_SHAPES, lastRow } from "../support/long-attention.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

describeWith(nativeEngine(), "native engine", () => {
  describe.each(KV_DTYPES)("%s cache", (dtype) => {
    test.each(LONG_SHAPES)("%o", async (shape) => {
      const expected = await lastRow(await cpu({ engine: "wasm", threads: 1 }).create(), shape, dtype);
      for (const isa of nativeLevels()) {
        const backend = await cpu({ engine: "native", isa, threads: 2 }).create();
        expect(await lastRow(backend, shape, dtype)).toEqual(expected);
      }
    });
  });

  test("NaN in a key reaches the heads that see it, and no others", async () => {
    for (const isa of nativeLevels())
      await expectNaN(await cpu({ engine: "native", isa, threads: 2 }).create());
  });
});
