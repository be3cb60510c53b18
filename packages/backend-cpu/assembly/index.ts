/**
 * The engine: an interpreter of Programs (see opcodes.ts) in WASM SIMD. Every thread instantiates this module on the
 * same memory and walks the same program; it does its share of each step and meets the others where the program says.
 */

import { count } from "./address";
import { initializeConstants } from "./constants";
import { Dot, probeDot } from "./dot";
import { attention } from "./kernels/attention";
import { elementwise } from "./kernels/elementwise";
import { embedding } from "./kernels/embedding";
import { gatherRows } from "./kernels/gather-rows";
import { kvRows } from "./kernels/kv-rows";
import { kvPositions, kvWrite } from "./kernels/kv-write";
import { linear } from "./kernels/linear";
import { pack } from "./kernels/pack";
import { quantize } from "./kernels/quantize";
import { rmsNorm } from "./kernels/rms-norm";
import { rope } from "./kernels/rope";
import { Fixed } from "./memory";
import { AttentionOperand, LinearOperand, Opcode, PackedType, StepFlag } from "./opcodes";
import { privateIndex, usePrivate } from "./partition";
import { aborted, barrier, beginCall } from "./synchronize";

let dot: Dot = Dot.Madd;

/** Must be called once per instance. @returns the Dot mode that was found */
export function initialize(): i32 {
  initializeConstants();
  dot = probeDot();
  return dot;
}

/** Uses a slower Dot mode than the one found, for tests; all give the same bits. */
export function setDot(mode: i32): void {
  dot = mode;
}

/**
 * Runs steps of a program from the byte address `step` on.
 * @param limit most steps to run
 * @returns the address of the next step; 0 at the program's end or after an abort
 */
export function run(step: usize, thread: i32, threads: i32, limit: i32): usize {
  beginCall();
  usePrivate(thread);
  for (; limit > 0; limit--) {
    const head = load<u32>(step);
    if (((head >> 16) & StepFlag.Barrier) != 0) barrier(threads);
    if (aborted()) return 0;
    const opcode: Opcode = head & 0xffff;
    if (opcode == Opcode.End) return 0;
    execute(opcode, step, thread, threads);
    step += <usize>load<u32>(step, 4) << 2;
  }
  return step;
}

/**
 * Runs part `part` of `parts` of the step at `step`, for one thread that must not be gone for long. Steps of few rows
 * run whole.
 * @returns `step` while parts are left, then the next step; 0 at the program's end
 */
export function runPart(step: usize, part: i32, parts: i32): usize {
  usePrivate(0);
  const opcode: Opcode = load<u32>(step) & 0xffff;
  if (opcode == Opcode.End) return 0;
  const next = step + (<usize>load<u32>(step, 4) << 2);
  if (!isLong(opcode, step)) {
    execute(opcode, step, 0, 1);
    return next;
  }
  execute(opcode, step, part, parts);
  return part + 1 < parts ? step : next;
}

/** Products and attention of more rows than a decode step has: up to a tenth of a second each. */
function isLong(opcode: Opcode, step: usize): bool {
  if (opcode == Opcode.Attention) return count(step, AttentionOperand.Count) > 4;
  const isLinear = opcode >= Opcode.LinearQ4_0 && opcode <= Opcode.LinearF32;
  return isLinear && count(step, LinearOperand.Count) > 4;
}

function execute(opcode: Opcode, step: usize, thread: i32, threads: i32): void {
  if (opcode >= Opcode.LinearQ4_0 && opcode <= Opcode.LinearF32) {
    // The slot of this thread: the only work space of a kernel that no operand names.
    const sums = <usize>Fixed.Sums + (<usize>privateIndex << 7);
    linear(<PackedType>(opcode - Opcode.LinearQ4_0), dot, sums, step, thread, threads);
  } else if (opcode >= Opcode.PackQ4_0 && opcode <= Opcode.PackF32) {
    pack(<PackedType>(opcode - Opcode.PackQ4_0), step, thread, threads);
  } else if (opcode >= Opcode.Add && opcode <= Opcode.SwiGlu) elementwise(opcode, step, thread, threads);
  else if (opcode >= Opcode.KvCopy && opcode <= Opcode.KvStore) kvRows(opcode, step, thread, threads);
  else if (opcode == Opcode.Quantize) quantize(step, thread, threads);
  else if (opcode == Opcode.RmsNorm) rmsNorm(step, thread, threads);
  else if (opcode == Opcode.KvWrite) kvWrite(step, thread, threads);
  else if (opcode == Opcode.Attention) attention(step, thread, threads);
  else if (opcode == Opcode.Rope) rope(step, thread, threads);
  else if (opcode == Opcode.GatherRows) gatherRows(step, thread, threads);
  else if (opcode == Opcode.KvPositions) kvPositions(step, thread, threads);
  else if (opcode == Opcode.Embedding) embedding(step, thread, threads);
  else unreachable();
}
