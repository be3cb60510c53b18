/** Checksums of memory against plain arithmetic, in ugly sizes, for any division of work, and against single changes. */
import { expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import { Opcode } from "../../assembly/opcodes.js";
import { encodeProgram, units } from "../../src/program/program.js";
import { InlineEngine } from "../support/inline-engine.js";

const DATA = 65536;
const SUMS = 1 << 19;
const PROGRAM = SUMS + 4096;

/** By the definition in assembly/kernels/checksum.ts. */
function expectedSum(bytes: Uint8Array): bigint {
  const words = new Uint32Array(bytes.slice().buffer);
  const lanes = new Uint32Array(32).fill(1);
  words.forEach((word, i) => {
    lanes[i % 32] = Math.imul(lanes[i % 32]!, 0x9e3779b1) + word;
  });
  return lanes.reduce((sum, lane) => {
    const mixed = BigInt.asUintN(64, (sum ^ BigInt(lane)) * 0x9e3779b97f4a7c15n);
    return mixed ^ (mixed >> 32n);
  }, 0n);
}

function run(engine: InlineEngine, bytes: Uint8Array, blockBytes: number, threads: number): bigint[] {
  const blocks = Math.ceil(bytes.length / blockBytes);
  const last = bytes.length - (blocks - 1) * blockBytes;
  const operands = [units(DATA), blocks, units(blockBytes), units(last), units(SUMS)];
  const { words } = encodeProgram("sum", [{ opcode: Opcode.Checksum, label: "", operands, accesses: [] }]);
  engine.view(DATA, bytes.length).set(bytes);
  engine.view(PROGRAM, words.byteLength).set(new Uint8Array(words.buffer));
  engine.view(SUMS, 8 * blocks + 8).fill(0xaa);
  engine.runShares(PROGRAM, threads);
  const sums = new BigUint64Array(engine.view(SUMS, 8 * blocks + 8).slice().buffer);
  expect(sums[blocks]).toBe(0xaaaaaaaaaaaaaaaan); // nothing behind is touched
  return [...sums.subarray(0, blocks)];
}

test.each(["relaxed", "plain"] as const)("%s SIMD against plain arithmetic", (simd) => {
  const engine = new InlineEngine(1 << 20, { simd });
  const random = new Random(3);
  for (const [length, blockBytes] of [
    [128, 128],
    [4096, 128],
    [3 * 4096 + 384, 4096],
    [200 * 128, 1 << 14],
  ] as const) {
    const bytes = Uint8Array.from({ length }, () => random.next() * 256);
    const expected = Array.from({ length: Math.ceil(length / blockBytes) }, (_, i) =>
      expectedSum(bytes.subarray(i * blockBytes, (i + 1) * blockBytes)),
    );
    for (const threads of [1, 2, 3]) expect(run(engine, bytes, blockBytes, threads)).toEqual(expected);
  }
});

test("every changed byte changes the sum", () => {
  const engine = new InlineEngine(1 << 20);
  const random = new Random(5);
  const bytes = Uint8Array.from({ length: 1024 }, () => random.next() * 256);
  const [sum] = run(engine, bytes, 1024, 1);
  for (let i = 0; i < bytes.length; i++) {
    const changed = bytes.slice();
    changed[i]! ^= 1 << (i % 8);
    expect(run(engine, changed, 1024, 1)).not.toEqual([sum]);
  }
});

test("stripes and blocks in another order, and zeros of another length, have other sums", () => {
  const engine = new InlineEngine(1 << 20);
  const random = new Random(5);
  const bytes = Uint8Array.from({ length: 1 << 16 }, () => random.next() * 256);
  const [sum] = run(engine, bytes, 1 << 16, 1);
  for (const size of [4, 16, 128, 4096, 1 << 15]) {
    const swapped = bytes.slice();
    swapped.set(bytes.subarray(size, 2 * size), 0);
    swapped.set(bytes.subarray(0, size), size);
    expect(run(engine, swapped, 1 << 16, 1)).not.toEqual([sum]);
  }
  expect(run(engine, new Uint8Array(1024), 1024, 1)).not.toEqual(run(engine, new Uint8Array(1152), 1152, 1));
});
