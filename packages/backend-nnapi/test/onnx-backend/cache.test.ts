/** The KV cache keeps its rows when it grows, whatever lies behind the reserved ones, and refuses what is not planned. */
import { expect, test } from "vitest";
import { OnnxState } from "../../src/onnx-backend/cache.js";

const PLAN = {
  layers: 2,
  kvHeads: 3,
  headDim: 4,
  valueDim: 2,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 4,
} as const;

const counted = (length: number, start: number) => Float32Array.from({ length }, (_, i) => start + i);

test("rows stay what they are as the cache grows, with spare rows and without", async () => {
  const state = new OnnxState(PLAN, async (work) => work());
  await state.reserve(1);
  const snapshot = {
    rows: 32,
    positions: Int32Array.from({ length: 32 }, (_, i) => i),
    keys: counted(2 * 32 * 3 * 4, 1),
    values: counted(2 * 32 * 3 * 2, 10_000),
  };
  await state.write(0, snapshot);
  state.makeRoom(40);
  expect([state.rows, state.buffer.capacity]).toEqual([32, 40]);
  expect(await state.read(0, 32)).toEqual(snapshot);
  await state.reserve(3);
  expect([state.rows, state.buffer.capacity]).toEqual([96, 104]);
  expect(await state.read(0, 32)).toEqual(snapshot);
  await state.copy(0, 64, 32);
  expect((await state.read(64, 32)).keys).toEqual(snapshot.keys);
  await expect(state.reserve(5)).rejects.toMatchObject({ code: "OUT_OF_MEMORY" });
  state.dispose();
  expect(state.buffer.capacity).toBe(0);
});
