/**
 * What a KV cache keeps on each engine is what core says, bit for bit: for values of all magnitudes and those that are no
 * numbers, sizes that fill tiles and that do not, rows copied within a block, across blocks and groups of them, and over themselves; also
 * while the cache grows.
 */
import { type Backend, KV_DTYPES, type KvDType, type KvSnapshot, roundKv } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../test/support/availability.js";
import { Random } from "../../../test/support/random.js";
import { type CpuOptions, cpu } from "../src/index.js";
import { kvBlockBytes, kvGroupBytes, kvLayerBytes, kvLayerOffset, kvTable } from "../src/lower/kv-layout.js";
import { nativeEngine } from "./native/requirement.js";

const [LAYERS, KV_HEADS, ROWS] = [2, 3, 70];
const SIZES = [
  [64, 64],
  [80, 20],
  [33, 5],
  [10, 7],
] as const;

const SPECIAL = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -Number.POSITIVE_INFINITY,
  -0,
  1e-40,
  65520,
  -7e4,
  1e30,
];

/** Rows of magnitudes from 2^-30 to 2^20. */
function floats(count: number, seed: number): Float32Array {
  const exponents = new Random(seed + 1).normals(count, 6);
  return new Random(seed).normals(count, 1).map((x, i) => {
    return i % 97 === 5 ? SPECIAL[Math.floor(i / 97) % SPECIAL.length]! : x * 2 ** exponents[i]!;
  });
}

function snapshotOf(headDim: number, valueDim: number): KvSnapshot {
  return {
    rows: ROWS,
    positions: Int32Array.from({ length: ROWS }, (_, i) => 3 * i),
    keys: floats(LAYERS * ROWS * KV_HEADS * headDim, 1),
    values: floats(LAYERS * ROWS * KV_HEADS * valueDim, 2),
  };
}

async function check(backend: Backend, dtype: KvDType, headDim: number, valueDim: number): Promise<void> {
  const plan = { layers: LAYERS, kvHeads: KV_HEADS, headDim, valueDim, dtype, blockRows: 32, maxBlocks: 11 };
  const model = await backend.load({}, new Map(), plan);
  const state = model.createState();
  await state.reserve(6);
  const given = snapshotOf(headDim, valueDim);
  const rounded = { ...given, keys: given.keys.slice(), values: given.values.slice() };
  roundKv(dtype, rounded.keys, headDim);
  roundKv(dtype, rounded.values, valueDim);
  await state.write(5, given);
  expect(await state.read(5, ROWS)).toEqual(rounded);
  await state.copy(5, 100, ROWS);
  await state.copy(100, 97, ROWS); // over itself, forwards
  await state.copy(97, 110, ROWS); // and backwards
  expect(await state.read(110, ROWS)).toEqual(rounded);
  await state.write(40, rounded);
  expect(await state.read(40, ROWS)).toEqual(rounded);
  await state.reserve(11);
  expect(await state.read(40, ROWS)).toEqual(rounded);
  await state.copy(40, 220, ROWS); // into the next group of blocks
  await state.copy(220, 270, ROWS);
  expect(await state.read(220, 50 + ROWS)).toEqual(joined(rounded, 50, rounded));
  state.dispose();
  await model.dispose();
}

/** The first `count` rows of `first`, then `second`. */
function joined(first: KvSnapshot, count: number, second: KvSnapshot): KvSnapshot {
  const rows = count + second.rows;
  const positions = Int32Array.of(...first.positions.subarray(0, count), ...second.positions);
  const layers = (a: Float32Array, b: Float32Array) => {
    const width = a.length / LAYERS / first.rows;
    const part = (x: Float32Array, layer: number, length: number) =>
      x.subarray(layer * first.rows * width, (layer * first.rows + length) * width);
    const parts = Array.from({ length: LAYERS }, (_, layer) => [
      ...part(a, layer, count),
      ...part(b, layer, second.rows),
    ]);
    return Float32Array.from(parts.flat());
  };
  const [keys, values] = [layers(first.keys, second.keys), layers(first.values, second.values)];
  return { rows, positions, keys, values };
}

const engines: readonly [string, CpuOptions][] = [
  ["wasm, one thread", { engine: "wasm", threads: 1 }],
  ["wasm, three threads", { engine: "wasm", threads: 3 }],
];

function declare(name: string, options: CpuOptions): void {
  describe.each(KV_DTYPES)(`${name}: %s cache`, (dtype) => {
    test.each(SIZES)("heads of %i and %i", async (headDim, valueDim) => {
      const backend = await cpu(options).create();
      await check(backend, dtype, headDim, valueDim);
      await backend.dispose();
    });
  });
}

for (const [name, options] of engines) declare(name, options);
describeWith(nativeEngine(), "native engine", () => declare("two threads", { engine: "native", threads: 2 }));

describe.each(KV_DTYPES)("layout of groups: %s", (dtype) => {
  test("parts of all blocks lie beside each other and fill their groups; a head's of one group in one run", () => {
    const plan = { layers: 2, kvHeads: 3, headDim: 33, valueDim: 20, dtype, blockRows: 32, maxBlocks: 16 };
    const groups = [64, 1 << 20];
    const table = kvTable(plan, groups, 16);
    const headBytes = kvLayerBytes(plan) / plan.kvHeads;
    const parts = Array.from({ length: 16 }, (_, block) => {
      const [heads, positions] = [16 * table[2 * block]!, 16 * table[2 * block + 1]!];
      const ofHeads = Array.from({ length: 6 }, (_, unit) => [
        heads + kvLayerOffset(plan, Math.floor(unit / 3)) + (unit % 3) * 8 * headBytes,
        headBytes,
      ]);
      if (block % 8 > 0) expect(heads).toBe(16 * table[2 * block - 2]! + headBytes);
      return [[positions, 128], ...ofHeads];
    }).flat();
    for (const group of groups) {
      const own = parts.filter(([at]) => at! >= group && at! < group + kvGroupBytes(plan));
      expect(own.reduce((sum, [, bytes]) => sum + bytes!, 0)).toBe(8 * kvBlockBytes(plan));
      own.sort((a, b) => a[0]! - b[0]!);
      own.forEach(([at, bytes], i) =>
        expect(at! + bytes!).toBeLessThanOrEqual(own[i + 1]?.[0] ?? group + kvGroupBytes(plan)),
      );
    }
  });
});

test("bytes of a block shrink with the type", () => {
  const plan = { layers: 30, kvHeads: 3, headDim: 64, valueDim: 64, blockRows: 32, maxBlocks: 1 };
  const bytes = KV_DTYPES.map((dtype) => kvBlockBytes({ ...plan, dtype }) - 128);
  const elements = 30 * 3 * 128 * 32;
  expect(bytes).toEqual([4 * elements, 2 * elements, (elements / 32) * 34]);
});
