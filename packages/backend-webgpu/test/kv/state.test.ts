/**
 * What a KV cache on the device keeps is what core says, bit for bit: values of all magnitudes and those that are no
 * numbers, sizes that fill units of four and that do not, rows copied over themselves, growth.
 */
import { type KvDType, type KvPlan, type KvSnapshot, roundKv } from "@millet/core/backend";
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import type { Device } from "../../src/device/device.js";
import { KV_TYPES, kvBytes, mostBlocks } from "../../src/kv/layout.js";
import { WebgpuState } from "../../src/kv/state.js";
import { describeOnDevice } from "../support/device.js";
import { kvRuntime } from "../support/kv-runtime.js";

const ROWS = 70;
const SIZES = [
  [64, 64],
  [33, 5],
  [10, 7],
] as const;

const SPECIAL = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  1e-40,
  65520,
  -7e4,
  1e30,
];

function planOf(dtype: KvDType, headDim = 64, valueDim = 64): KvPlan {
  return { layers: 2, kvHeads: 3, headDim, valueDim, dtype, blockRows: 32, maxBlocks: 6 };
}

/** Values of magnitudes from 2^-30 to 2^20, and special ones. */
function floats(count: number, seed: number): Float32Array<ArrayBuffer> {
  const exponents = new Random(seed + 1).normals(count, 6);
  return new Random(seed).normals(count).map((x, i) => {
    return i % 97 === 5 ? SPECIAL[Math.floor(i / 97) % SPECIAL.length]! : x * 2 ** exponents[i]!;
  });
}

function snapshotOf({ layers, kvHeads, headDim, valueDim }: KvPlan, rows = ROWS): KvSnapshot {
  return {
    rows,
    positions: Int32Array.from({ length: rows }, (_, i) => 3 * i - 7),
    keys: floats(layers * rows * kvHeads * headDim, 1),
    values: floats(layers * rows * kvHeads * valueDim, 2),
  };
}

function rounded({ dtype, headDim, valueDim }: KvPlan, snapshot: KvSnapshot): KvSnapshot {
  const copy = { ...snapshot, keys: snapshot.keys.slice(), values: snapshot.values.slice() };
  roundKv(dtype, copy.keys, headDim);
  roundKv(dtype, copy.values, valueDim);
  return copy;
}

describeOnDevice("KV cache", (device) => {
  const stateOf = (plan: KvPlan) => new WebgpuState(kvRuntime(device()), plan);

  describe.each(KV_TYPES)("of %s", (dtype) => {
    test.each(SIZES)("heads of %i and %i", async (headDim, valueDim) => {
      const plan = planOf(dtype, headDim, valueDim);
      const state = stateOf(plan);
      await state.reserve(6);
      const given = snapshotOf(plan);
      const kept = rounded(plan, given);
      await state.write(5, given);
      expect(await state.read(5, ROWS)).toEqual(kept);
      await state.copy(5, 100, ROWS);
      await state.copy(100, 97, ROWS); // over itself, forwards
      await state.copy(97, 110, ROWS); // and backwards
      expect(await state.read(110, ROWS)).toEqual(kept);
      await state.write(40, kept);
      expect(await state.read(40, ROWS)).toEqual(kept);
      state.dispose();
    });
  });

  test("grows and keeps its rows", async () => {
    const plan = planOf("f16", 10, 7);
    const state = stateOf(plan);
    await state.reserve(1);
    const first = state.generation;
    const given = snapshotOf(plan, 32);
    await state.write(0, given);
    await Promise.all([state.reserve(2), state.reserve(4), state.reserve(3)]);
    expect(state.rows).toBe(4 * 32);
    expect(state.generation).not.toBe(first);
    expect(await state.read(0, 32)).toEqual(rounded(plan, given));
    const grown = state.generation;
    await state.reserve(4);
    expect(state.generation).toBe(grown);
    expect(stateOf(plan).generation).not.toBe(grown);
    state.dispose();
  });

  test("calls that are not awaited keep their order", async () => {
    const plan = planOf("f32", 8, 8);
    const state = stateOf(plan);
    await state.reserve(2);
    const [a, b] = [snapshotOf(plan, 4), { ...snapshotOf(plan, 4), positions: Int32Array.of(9, 8, 7, 6) }];
    const pending = [state.write(0, a), state.copy(0, 8, 4), state.write(0, b)];
    const [before, after] = [state.read(8, 4), state.read(0, 4)];
    const later = state.write(8, b);
    expect((await before).positions).toEqual(a.positions);
    expect((await after).positions).toEqual(b.positions);
    await Promise.all([...pending, later]);
    expect((await state.read(8, 4)).positions).toEqual(b.positions);
    state.dispose();
  });

  test("says what is too much, and stays usable", async () => {
    const plan = planOf("f32");
    const state = stateOf(plan);
    await state.reserve(2);
    await expect(state.reserve(7)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    await expect(state.read(60, 5)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
    const given = snapshotOf(plan, 3);
    await state.write(61, given);
    expect(await state.read(61, 3)).toEqual(given);
    state.dispose();
    await expect(state.read(0, 1)).rejects.toMatchObject({ code: "DISPOSED" });
    await expect(state.reserve(1)).rejects.toMatchObject({ code: "DISPOSED" });
  });

  test("memory that runs out while it grows is a typed error, and costs no rows", async () => {
    const plan = planOf("f32", 8, 8);
    const created: GPUBuffer[] = [];
    let isFull = false;
    const state = new WebgpuState(kvRuntime(withMemory(device(), created, () => isFull)), plan);
    await state.reserve(1);
    const given = snapshotOf(plan, 20);
    await state.write(3, given);
    const { generation } = state;
    isFull = true;
    const before = created.length;
    await expect(state.reserve(3)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
    isFull = false;
    expect(created.slice(before).length).toBe(2 * plan.layers + 1);
    expect(state.generation).toBe(generation);
    expect(await state.read(3, 20)).toEqual(given);
    await state.reserve(3);
    expect(await state.read(3, 20)).toEqual(given);
    state.dispose();
  });

  test("what the GPU's buffers cannot hold is refused before it is tried", async () => {
    const plan = { ...planOf("f32"), maxBlocks: 2 ** 30 };
    const most = mostBlocks(plan, device().limits);
    expect(most).toBeGreaterThan(1000);
    const state = stateOf(plan);
    await expect(state.reserve(most + 1)).rejects.toThrow(`can have ${most} blocks`);
    state.dispose();
  });
});

/** The device, noting the buffers that it creates, and reporting a lack of memory in error scopes while `isFull`. */
function withMemory(device: Device, created: GPUBuffer[], isFull: () => boolean): Device {
  class GPUOutOfMemoryError {
    readonly message = "no memory left";
  }
  const gpu = new Proxy(device.gpu, {
    get(target, name) {
      if (name === "popErrorScope") {
        return async () => (await target.popErrorScope()) ?? (isFull() ? new GPUOutOfMemoryError() : null);
      }
      if (name === "createBuffer") {
        return (descriptor: GPUBufferDescriptor) => {
          const buffer = target.createBuffer(descriptor);
          created.push(buffer);
          return buffer;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...device, gpu };
}

test("bytes of a cache shrink with the type", () => {
  const plan = { ...planOf("f32"), layers: 30 };
  const elements = 30 * 3 * 128 * 32;
  const bytes = KV_TYPES.map((dtype) => kvBytes({ ...plan, dtype }, 1) - 32 * 4);
  expect(bytes).toEqual([4 * elements, 2 * elements, (9 / 8) * elements]);
});
