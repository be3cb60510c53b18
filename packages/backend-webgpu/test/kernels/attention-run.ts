/** Runs attention alone on a device: calls one after the other on one cache, over scratch memory full of NaN. */
import type { KvSnapshot } from "@millet/core/backend";
import { fillRotationTable } from "@millet/core/ops";
import { viewAs } from "@millet/core/tensor";
import type { Device } from "../../src/device/device.js";
import { BufferUsage } from "../../src/device/flags.js";
import { readBuffer } from "../../src/device/read-buffer.js";
import { lowerAttention } from "../../src/kernels/attention/lower.js";
import { WebgpuState } from "../../src/kv/state.js";
import { columnsOf, type Matrix, strideOf } from "../../src/lower/matrix.js";
import type { AttentionSpec } from "../../src/lower/specs.js";
import type { OptionalFeature } from "../../src/options.js";
import type { Dispatch, Operand } from "../../src/program/dispatch.js";
import { kvRuntime } from "../support/kv-runtime.js";
import { runDispatches } from "../support/run-dispatches.js";
import {
  attrsOf,
  INDICES,
  mostRowsOf,
  type Operands,
  type Prepare,
  planOf,
  type Scenario,
} from "./attention-scenario.js";

const USAGE = BufferUsage.Storage | BufferUsage.CopySource | BufferUsage.CopyTarget;

export interface Options {
  /** Fills the cache before the first call. */
  readonly prepare?: Prepare | undefined;
  /** What kernels may use; all that the device has by default. */
  readonly features?: ReadonlySet<OptionalFeature> | undefined;
}

export interface Result {
  /** Of each call. */
  readonly outputs: Float32Array[];
  /** All rows of the cache in the end. */
  readonly cache: KvSnapshot;
  readonly kernels: readonly string[];
}

export async function actualOf(
  device: Device,
  scenario: Scenario,
  calls: readonly Operands[],
  options: Options = {},
): Promise<Result> {
  const plan = planOf(scenario);
  const state = new WebgpuState(kvRuntime(device), plan);
  await state.reserve(plan.maxBlocks);
  await options.prepare?.(state);
  const lowered = lower(scenario, calls[0]!, options.features ?? device.features);
  const buffers = [4 * lowered.words, ...lowered.slots].map((size) => {
    const buffer = device.gpu.createBuffer({ size: Math.ceil(size / 16) * 16, usage: USAGE });
    device.gpu.queue.writeBuffer(buffer, 0, new Uint8Array(buffer.size).fill(0xff));
    return buffer;
  });
  const [words, ...slots] = buffers;
  const bufferOf = (operand: Operand): GPUBuffer => {
    if (operand.space === "scratch") return slots[operand.slot]!;
    if (operand.space === "call") return words!;
    if (operand.space === "positions") return state.positions;
    if (operand.space === "weights") throw new Error("attention has no weights");
    return operand.space === "keys" ? state.keys(operand.layer) : state.values(operand.layer);
  };
  const outputs: Float32Array[] = [];
  for (const call of calls) {
    const tokens = call.positions.spec.shape[0]!;
    device.gpu.queue.writeBuffer(slots[lowered.spec.q.slot]!, 0, joined(call, lowered.spec));
    device.gpu.queue.writeBuffer(words!, 0, lowered.wordsOf(call));
    const longest = Math.max(...viewAs(call.lengths, "i32"));
    await runDispatches(device, lowered.dispatches, { tokens, logits: 0, longest }, bufferOf);
    outputs.push(await readMatrix(device, slots[lowered.spec.y.slot]!, lowered.spec.y, tokens));
  }
  const cache = await state.read(0, state.rows);
  state.dispose();
  for (const buffer of buffers) buffer.destroy();
  return { outputs, cache, kernels: lowered.dispatches.map(({ kernel }) => kernel.name) };
}

interface Lowered {
  readonly spec: AttentionSpec;
  readonly dispatches: readonly Dispatch[];
  readonly slots: readonly number[];
  readonly words: number;
  wordsOf(call: Operands): Int32Array<ArrayBuffer>;
}

/** q, k and v lie side by side in slot 0, y in slot 1. */
export function lower(scenario: Scenario, first: Operands, features: ReadonlySet<OptionalFeature>): Lowered {
  const attrs = attrsOf(scenario);
  const rows = mostRowsOf(scenario);
  const { heads, kvHeads, headDim, valueDim, rope } = attrs;
  const [q, k, v] = [heads * headDim, kvHeads * headDim, kvHeads * valueDim];
  const matrix = (slot: number, width: number): Matrix => {
    return { slot, offset: 0, stride: strideOf(width), width, rows, axis: "tokens" };
  };
  const whole = matrix(0, q + k + v);
  const y = matrix(1, heads * valueDim);
  let words = 4;
  const take = (count: number) => (words += 4 * Math.ceil(count / 4)) - 4 * Math.ceil(count / 4);
  const [sequences, columns] = first.blockTable.spec.shape;
  const starts = {
    positions: take(rows),
    sequences: take(rows),
    writeRows: take(rows),
    blockTable: take(sequences! * columns!),
    lengths: take(sequences!),
  };
  const pairs = rope?.inverseFrequencies.length ?? 0;
  const rotation = rope && { words: take(2 * rows * pairs), pairs };
  const spec: AttentionSpec = {
    label: "test",
    q: columnsOf(whole, 0, q),
    k: columnsOf(whole, q, k),
    v: columnsOf(whole, q + k, v),
    y,
    attrs,
    rotation,
    ...starts,
    blockColumns: columns!,
    kv: planOf(scenario),
  };
  const slots = [whole, y].map(({ stride }) => 4 * stride * rows);
  const workspace = {
    countWord: (axis: string) => (axis === "tokens" ? 0 : 1),
    temporary: (byteLength: number) => slots.push(byteLength) - 1,
  };
  const dispatches = lowerAttention(spec, workspace, features);
  const wordsOf = (call: Operands) => {
    const data = new Int32Array(words).fill(-1);
    data[0] = call.positions.spec.shape[0]!;
    for (const name of INDICES) data.set(viewAs(call[name], "i32"), starts[name]);
    if (rope && rotation) {
      const table = new Float32Array(data.buffer, 4 * rotation.words);
      fillRotationTable(table, rope, viewAs(call.positions, "i32"));
    }
    return data;
  };
  return { spec, dispatches, slots, words, wordsOf };
}

/** The rows of a call's q, k and v as they lie in their slot. */
function joined(call: Operands, { q, k, v }: AttentionSpec): Float32Array<ArrayBuffer> {
  const data = new Float32Array(q.stride * q.rows).fill(Number.NaN);
  for (const [matrix, tensor] of [
    [q, call.q],
    [k, call.k],
    [v, call.v],
  ] as const) {
    const values = viewAs(tensor, "f32");
    for (let row = 0; row < tensor.spec.shape[0]!; row++) {
      const from = values.subarray(row * matrix.width, (row + 1) * matrix.width);
      data.set(from, matrix.offset + row * matrix.stride);
    }
  }
  return data;
}

async function readMatrix(
  device: Device,
  buffer: GPUBuffer,
  { stride, width }: Matrix,
  rows: number,
): Promise<Float32Array> {
  const bytes = await readBuffer(device, buffer, 0, 4 * stride * rows);
  const all = new Float32Array(bytes.buffer);
  const element = (i: number) => all[Math.floor(i / width) * stride + (i % width)]!;
  return Float32Array.from({ length: rows * width }, (_, i) => element(i));
}
