/**
 * One product of packed weights on the inline engine, step by step: pack, quantize, multiply, with guard bytes around
 * every buffer and dirt in all of them; and the same product in float64.
 */
import { dequantize, quantize } from "@millet/core/quant";
import type { DType } from "@millet/core/tensor";
import { Random } from "../../../../test/support/random.js";
import { Opcode, Sharing } from "../../assembly/opcodes.js";
import { linearScratchBytes } from "../../src/lower/linear.js";
import { packedByteLength, packedInfo } from "../../src/pack/packed-type.js";
import { encodeProgram, units } from "../../src/program/program.js";
import { InlineEngine, type InlineOptions } from "./inline-engine.js";

export interface LinearShape {
  readonly dtype: DType;
  readonly outputs: number;
  readonly inputs: number;
  readonly rows: number;
}

const GUARD = 64;
const DIRT = 0xa5;

/** What a product reads, the same for the same shape. */
export interface LinearData {
  readonly x: Float32Array;
  readonly weight: Uint8Array;
}

/** The first rows do not depend on how many there are. */
export function linearData({ dtype, outputs, inputs, rows }: LinearShape): LinearData {
  const random = new Random(outputs * 7 + inputs * 31);
  const weight = quantize(dtype, random.normals(outputs * inputs, inputs ** -0.5));
  // Heavy tails: blocks of very different scales, and some zeros.
  const element = (i: number) => (i % 97 === 5 ? 0 : random.normal() * (1 + 20 * random.next() ** 8));
  return { x: Float32Array.from({ length: rows * inputs }, (_, i) => element(i)), weight };
}

/** Memory with guarded, dirty buffers that are handed out one after the other. */
class GuardedMemory {
  readonly engine: InlineEngine;
  readonly #guards: number[] = [];
  #end = 65536;

  constructor(byteLength: number, options: InlineOptions) {
    this.engine = new InlineEngine(byteLength + 65536 + 4096, options);
    this.engine.view(65536, this.engine.byteLength - 65536).fill(DIRT);
  }

  allocate(byteLength: number): number {
    const address = this.#end + GUARD;
    this.#guards.push(this.#end, address + Math.ceil(byteLength / 16) * 16);
    this.#end = Math.ceil((address + byteLength + GUARD) / 64) * 64;
    return address;
  }

  write(address: number, data: ArrayBufferView): void {
    this.engine
      .view(address, data.byteLength)
      .set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }

  /** Throws if anything was written outside the buffers. */
  checkGuards(): void {
    for (const guard of this.#guards) {
      const intact = this.engine.view(guard, GUARD / 4).every((byte) => byte === DIRT);
      if (!intact) throw new Error(`A kernel wrote outside its buffers, near byte ${guard}.`);
    }
  }
}

/**
 * y [rows, outputs] as the engine computes it.
 * @param threads shares of every step, run one after the other in a scrambled order
 */
export function runLinear(shape: LinearShape, options: InlineOptions = {}, threads = 1): Float32Array {
  const { dtype, outputs, inputs, rows } = shape;
  const { x, weight } = linearData(shape);
  const spec = { dtype, shape: [outputs, inputs] };
  const { linear, pack, quantized } = packedInfo(spec);
  const xStride = Math.ceil(inputs / 8) * 32;
  const yStride = Math.ceil(outputs / 8) * 32;
  const paddedRows = Math.ceil(rows / 4) * 4;
  const scratchBytes = linearScratchBytes(rows);
  const sizes = weight.byteLength + packedByteLength(spec) + paddedRows * (xStride * 3 + yStride);
  const memory = new GuardedMemory(sizes + scratchBytes * threads + 16 * 1024, options);
  const program = memory.allocate(256);
  const count = memory.allocate(16);
  const raw = memory.allocate(weight.byteLength);
  const packed = memory.allocate(packedByteLength(spec));
  const xAddress = memory.allocate(rows * xStride);
  const activations = memory.allocate(paddedRows * Math.ceil(inputs / 32) * 48);
  const y = memory.allocate(paddedRows * yStride);
  const scratch = memory.allocate(scratchBytes * threads);
  memory.write(raw, weight);
  memory.write(count, Int32Array.of(rows));
  for (let row = 0; row < rows; row++) {
    memory.write(xAddress + row * xStride, x.subarray(row * inputs, (row + 1) * inputs));
  }
  const order = [...Array(threads).keys()].reverse();
  const run = (opcode: Opcode, operands: readonly number[]) => {
    const { words } = encodeProgram("test", [{ opcode, label: "", operands, accesses: [] }]);
    memory.write(program, words);
    memory.engine.runShares(program, threads, order);
  };
  run(pack, [units(raw), outputs, inputs, units(packed)]);
  if (quantized) {
    const from = [units(xAddress), units(xStride), 0, inputs];
    run(Opcode.Quantize, [...from, units(count), units(activations), Sharing.Rows, 0]);
  }
  const source = quantized ? [units(activations), 0, 0] : [units(xAddress), units(xStride), 0];
  const groups = Math.ceil(outputs / 8);
  const target = [units(count), units(y), units(yStride), units(scratch), units(scratchBytes)];
  run(linear, [units(packed), groups, inputs, ...source, ...target]);
  memory.checkGuards();
  const bytes = Uint8Array.from(memory.engine.view(y, rows * yStride));
  return Float32Array.from({ length: rows * outputs }, (_, i) => {
    const [row, n] = [Math.floor(i / outputs), i % outputs];
    return new Float32Array(bytes.buffer, row * yStride + 4 * n, 1)[0]!;
  });
}

/** Dequantized weights times the activations, quantized where the kernel quantizes them, in float64. */
export function referenceLinear(shape: LinearShape): Float64Array {
  const { dtype, outputs, inputs, rows } = shape;
  const { x, weight } = linearData(shape);
  const w = dequantize(dtype, weight);
  const activations = packedInfo({ dtype, shape: [outputs, inputs] }).quantized ? quantizedActivations(x) : x;
  const y = new Float64Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < outputs; n++) {
      let sum = 0;
      for (let k = 0; k < inputs; k++) sum += activations[row * inputs + k]! * w[n * inputs + k]!;
      y[row * outputs + n] = sum;
    }
  }
  return y;
}

/** Blocks of 32 with the scale max / 127 in float32, rounded to even. */
function quantizedActivations(x: Float32Array): Float64Array {
  const result = new Float64Array(x.length);
  for (let b = 0; b < x.length; b += 32) {
    const most = x.subarray(b, b + 32).reduce((a, v) => Math.max(a, Math.abs(v)), 0);
    const inverse = most === 0 ? 0 : Math.fround(127 / most);
    for (let i = b; i < b + 32; i++)
      result[i] = Math.fround(most / 127) * roundToEven(Math.fround(x[i]! * inverse));
  }
  return result;
}

function roundToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}
