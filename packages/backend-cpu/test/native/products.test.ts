/**
 * Packed weights, products and embeddings of every type: the native engine makes the bytes of the WASM engine and gives its
 * bits, on every instruction set.
 */
import { quantize } from "@millet/core/quant";
import type { DType } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { Random } from "../../../../test/support/random.js";
import { Opcode, Sharing } from "../../assembly/opcodes.js";
import type { Engine } from "../../src/engine/engine.js";
import { linearScratchBytes } from "../../src/lower/linear.js";
import { findNative } from "../../src/native/load.js";
import { createNativeEngine } from "../../src/native/native-engine.js";
import { packedByteLength, packedInfo, WEIGHT_TYPES } from "../../src/pack/packed-type.js";
import { encodeProgram, units } from "../../src/program/program.js";
import { InlineEngine } from "../support/inline-engine.js";
import { nativeEngine, nativeLevels } from "./requirement.js";

const MEMORY_BYTES = 1 << 20;
const [OUTPUTS, INPUTS] = [29, 512];
const TOKENS = Int32Array.of(0, 28, 13, 7);
const TYPES = [...WEIGHT_TYPES.native].filter((dtype) => WEIGHT_TYPES.wasm.has(dtype));

const bytesOf = (data: ArrayBufferView) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
const bits = (value: number) => new Int32Array(Float32Array.of(value).buffer)[0]!;

/** The packed weight, x W^T for `rows` rows, and rows of W times 0.37. */
async function resultsOf(engine: Engine, dtype: DType, rows: number): Promise<readonly Uint8Array[]> {
  const random = new Random(rows);
  const weight = quantize(dtype, random.normals(OUTPUTS * INPUTS, 0.05));
  const x = random.normals(rows * INPUTS, 1);
  const spec = { dtype, shape: [OUTPUTS, INPUTS] };
  const { type, linear, pack, quantized } = packedInfo(spec);
  let end = 65536;
  const place = (byteLength: number) => {
    const address = end;
    end = Math.ceil((address + byteLength) / 64) * 64;
    return address;
  };
  const written = (data: ArrayBufferView) => ({ address: place(data.byteLength), data: bytesOf(data) });
  const writes = [weight, x, Int32Array.of(rows), Int32Array.of(TOKENS.length), TOKENS].map(written);
  const [raw, xAt, count, tokenCount, tokens] = writes.map(({ address }) => units(address));
  const groups = Math.ceil(OUTPUTS / 8);
  const packed = { address: place(packedByteLength(spec)), byteLength: packedByteLength(spec) };
  const paddedRows = Math.ceil(rows / 4) * 4;
  const activations = place(paddedRows * INPUTS * 1.5);
  const y = { address: place(paddedRows * groups * 32), byteLength: rows * groups * 32 };
  const gathered = { address: place(TOKENS.length * INPUTS * 4), byteLength: TOKENS.length * INPUTS * 4 };
  const source = quantized ? [units(activations), 0, 0] : [xAt!, INPUTS / 4, 0];
  const target = [units(y.address), groups * 2, units(place(linearScratchBytes(rows))), 0];
  const steps: [Opcode, number[]][] = [
    [pack, [raw!, OUTPUTS, INPUTS, units(packed.address)]],
    [Opcode.Quantize, [xAt!, INPUTS / 4, 0, INPUTS, count!, units(activations), Sharing.Rows, 0]],
    [linear, [units(packed.address), groups, INPUTS, ...source, count!, ...target]],
    [
      Opcode.Embedding,
      [
        ...[units(packed.address), type, OUTPUTS, INPUTS, tokens!, tokenCount!],
        ...[units(gathered.address), INPUTS / 4, bits(0.37)],
      ],
    ],
  ];
  const program = place(4096);
  await engine.call({ writes });
  for (const [opcode, operands] of steps) {
    const { words } = encodeProgram("test", [{ opcode, label: "", operands, accesses: [] }]);
    await engine.call({ writes: [{ address: program, data: bytesOf(words) }], program });
  }
  return engine.call({ reads: [packed, y, gathered] });
}

describeWith(nativeEngine(), "native engine", () => {
  describe.each(TYPES)("%s", (dtype) => {
    test.each([1, 2, 3, 13])("%i rows", async (rows) => {
      const expected = await resultsOf(new InlineEngine(MEMORY_BYTES), dtype, rows);
      expect(expected[1]!.some((byte) => byte !== 0)).toBe(true);
      for (const isa of nativeLevels()) {
        const native = findNative(isa);
        if (!native.available) throw new Error(native.message);
        const limits = { initialBytes: MEMORY_BYTES, maximumBytes: MEMORY_BYTES };
        const engine = createNativeEngine(native, 2, limits);
        expect(await resultsOf(engine, dtype, rows)).toEqual(expected);
        await engine.dispose();
      }
    });
  });
});
