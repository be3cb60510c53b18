/**
 * The engine: an interpreter of Programs (see opcodes.ts) in WASM SIMD. Every thread instantiates this module on the
 * same memory and walks the same program; they share its steps (see shares.ts).
 */

import { count } from "./address";
import { initializeConstants } from "./constants";
import { Dot, probeDot } from "./dot";
import { attention } from "./kernels/attention";
import { checksum } from "./kernels/checksum";
import { elementwise } from "./kernels/elementwise";
import { embedding } from "./kernels/embedding";
import { gatherRows } from "./kernels/gather-rows";
import { kvRows } from "./kernels/kv-rows";
import { kvPositions, kvWrite } from "./kernels/kv-write";
import { linear } from "./kernels/linear";
import { norm } from "./kernels/norm";
import { pack } from "./kernels/pack";
import { quantize } from "./kernels/quantize";
import { refine } from "./kernels/refine";
import { rope } from "./kernels/rope";
import { layCodes } from "./kv";
import { AttentionOperand, LinearOperand, Opcode, PackedType, StepFlag } from "./opcodes";
import { usePrivate } from "./partition";
import { aborted, claim, finish, waitFor } from "./shares";

let dot: Dot = Dot.Madd;

/** Must be called once per instance. @returns the Dot mode that was found */
export function initialize(): i32 {
  initializeConstants();
  setDot(probeDot());
  return dot;
}

/** Uses a slower Dot mode than the one found, for tests; all give the same bits. */
export function setDot(mode: i32): void {
  dot = mode;
  layCodes(mode);
}

/** One thread's part of a call; returns when the program at byte address `step` has ended, or after an abort. */
export function run(step: usize, thread: i32, threads: i32): void {
  if (threads == 1) {
    while (step != 0 && !aborted()) step = runStep(step, 0, 1);
    return;
  }
  let segment = 0;
  while (opcodeOf(step) != Opcode.End) {
    for (let share = claim(segment, thread, threads); share >= 0; share = claim(segment, thread, threads)) {
      runSegment(step, share, threads);
      finish(segment, threads);
    }
    const complete = waitFor(segment);
    if (aborted()) return;
    for (; segment < complete; segment++) step = nextSegment(step);
  }
}

/** @returns the address of the next step; 0 at the program's end */
export function runStep(step: usize, share: i32, shares: i32): usize {
  const opcode = opcodeOf(step);
  if (opcode == Opcode.End) return 0;
  usePrivate(share);
  execute(opcode, step, share, shares);
  return following(step);
}

/** A share of the steps up to the next barrier. */
function runSegment(step: usize, share: i32, shares: i32): void {
  const end = nextSegment(step);
  for (; step != end && !aborted(); step = following(step)) runStep(step, share, shares);
}

/** The first step after `step` that waits for all others, or the program's end. */
function nextSegment(step: usize): usize {
  do step = following(step);
  while (opcodeOf(step) != Opcode.End && ((load<u32>(step) >> 16) & StepFlag.Barrier) == 0);
  return step;
}

@inline
function opcodeOf(step: usize): Opcode {
  return load<u32>(step) & 0xffff;
}

@inline
function following(step: usize): usize {
  return step + (<usize>load<u32>(step, 4) << 2);
}

/**
 * Runs part `part` of `parts` of the step at `step`, for one thread that must not be gone for long. Steps of few rows
 * run whole.
 * @returns `step` while parts are left, then the next step; 0 at the program's end
 */
export function runPart(step: usize, part: i32, parts: i32): usize {
  usePrivate(0);
  const opcode = opcodeOf(step);
  if (opcode == Opcode.End) return 0;
  const next = following(step);
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
  return isLinear(opcode) && count(step, LinearOperand.Count) > 4;
}

@inline
function isLinear(opcode: Opcode): bool {
  if (opcode >= Opcode.LinearQ4_K && opcode <= Opcode.LinearQ2_K) return true;
  return opcode >= Opcode.LinearQ4_0 && opcode <= Opcode.LinearF32;
}

@inline
function isPack(opcode: Opcode): bool {
  if (opcode >= Opcode.PackQ4_K && opcode <= Opcode.PackQ2_K) return true;
  return opcode >= Opcode.PackQ4_0 && opcode <= Opcode.PackF32;
}

@inline
function isElementwise(opcode: Opcode): bool {
  if (opcode >= Opcode.Gelu && opcode <= Opcode.Scale) return true;
  return opcode >= Opcode.Add && opcode <= Opcode.SwiGlu;
}

/** The type of an opcode for weights; `first` and `firstPlanes` are those of Q4_0 and Q4_K. */
@inline
function typeOf(opcode: Opcode, first: Opcode, firstPlanes: Opcode): PackedType {
  return opcode >= firstPlanes ? PackedType.Q4_K + (opcode - firstPlanes) : opcode - first;
}

function execute(opcode: Opcode, step: usize, thread: i32, threads: i32): void {
  if (isLinear(opcode)) {
    linear(typeOf(opcode, Opcode.LinearQ4_0, Opcode.LinearQ4_K), dot, step, thread, threads);
  } else if (isPack(opcode)) {
    pack(typeOf(opcode, Opcode.PackQ4_0, Opcode.PackQ4_K), step, thread, threads);
  } else if (isElementwise(opcode)) elementwise(opcode, step, thread, threads);
  else if (opcode >= Opcode.KvCopy && opcode <= Opcode.KvStore) kvRows(opcode, step, thread, threads);
  else if (opcode == Opcode.Quantize) quantize(step, thread, threads);
  else if (opcode == Opcode.Refine) refine(step, thread, threads);
  else if (opcode == Opcode.RmsNorm || opcode == Opcode.LayerNorm) norm(opcode, step, thread, threads);
  else if (opcode == Opcode.KvWrite) kvWrite(step, thread, threads);
  else if (opcode == Opcode.Attention) attention(step, thread, threads);
  else if (opcode == Opcode.Rope) rope(step, thread, threads);
  else if (opcode == Opcode.GatherRows) gatherRows(step, thread, threads);
  else if (opcode == Opcode.KvPositions) kvPositions(step, thread, threads);
  else if (opcode == Opcode.Embedding) embedding(step, thread, threads);
  else if (opcode == Opcode.Checksum) checksum(step, thread, threads);
  else unreachable();
}
