/** Checksums of memory: the native engine gives those of the WASM engine, however its threads share the blocks. */
import { expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { Random } from "../../../../test/support/random.js";
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../../src/engine/engine.js";
import { findNative } from "../../src/native/load.js";
import { createNativeEngine } from "../../src/native/native-engine.js";
import { encodeProgram, units } from "../../src/program/program.js";
import { InlineEngine } from "../support/inline-engine.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

const MEMORY_BYTES = 1 << 20;
const [DATA, SUMS, PROGRAM] = [1 << 16, 1 << 19, (1 << 19) + (1 << 16)];
const BLOCK_BYTES = 128;

async function sumsOf(engine: Engine, data: Uint8Array): Promise<readonly bigint[]> {
  const blocks = data.length / BLOCK_BYTES;
  const operands = [units(DATA), blocks, units(BLOCK_BYTES), units(BLOCK_BYTES), units(SUMS)];
  const { words } = encodeProgram("sum", [{ opcode: Opcode.Checksum, label: "", operands, accesses: [] }]);
  const [sums] = await engine.call({
    writes: [
      { address: DATA, data },
      { address: PROGRAM, data: new Uint8Array(words.buffer) },
    ],
    program: PROGRAM,
    reads: [{ address: SUMS, byteLength: 8 * blocks }],
  });
  return [...new BigUint64Array(sums!.slice().buffer)];
}

describeWith(nativeEngine(), "checksums of the native engine", () => {
  // The first thread leaves 1024 blocks to the others.
  test.each([1, 2, 1023, 1024, 1025, 1500])("%d blocks", async (blocks) => {
    const random = new Random(blocks);
    const data = Uint8Array.from({ length: blocks * BLOCK_BYTES }, () => random.next() * 256);
    const expected = await sumsOf(new InlineEngine(MEMORY_BYTES), data);
    for (const level of nativeLevels()) {
      const native = findNative(level);
      if (!native.available) throw new Error(native.message);
      for (const threads of [1, 2, 3]) {
        const engine = createNativeEngine(native, threads, {
          initialBytes: MEMORY_BYTES,
          maximumBytes: MEMORY_BYTES,
        });
        expect(await sumsOf(engine, data), `${level}, ${threads} threads`).toEqual(expected);
        await engine.dispose();
      }
    }
  });
});
