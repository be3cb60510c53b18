/** Programs: encoding to the words that an engine reads, and to text that people read. */
import { Opcode, StepFlag } from "../../assembly/opcodes.js";
import { placeBarriers } from "./hazards.js";
import type { Step } from "./step.js";

export interface Program {
  readonly name: string;
  readonly steps: readonly Step[];
  /** Whether the threads meet before a step. */
  readonly barriers: readonly boolean[];
  /** The words of all steps and the end. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** Byte offset of each step in `words`. */
  readonly offsets: readonly number[];
  /** One line per step. */
  toString(): string;
}

/** Addresses and strides in Programs count units of 16 bytes. */
export const UNIT_BYTES = 16;

/** Byte addresses and strides to words. */
export function units(bytes: number): number {
  if (bytes % UNIT_BYTES !== 0) throw new RangeError(`${bytes} bytes are not whole units of ${UNIT_BYTES}`);
  return bytes / UNIT_BYTES;
}

/** The bits of a number as f32. */
export function floatBits(value: number): number {
  return new Uint32Array(new Float32Array([value]).buffer)[0]!;
}

export function encodeProgram(name: string, steps: readonly Step[]): Program {
  const barriers = placeBarriers(steps);
  const offsets: number[] = [];
  const words: number[] = [];
  steps.forEach((step, i) => {
    offsets.push(4 * words.length);
    const flags = (step.flags ?? 0) | (barriers[i] ? StepFlag.Barrier : 0);
    words.push(step.opcode | (flags << 16), step.operands.length + 2, ...step.operands);
  });
  words.push(Opcode.End, 2);
  const program = { name, steps, barriers, offsets, words: Uint32Array.from(words) };
  return { ...program, toString: () => printProgram(program) };
}

/** `  12 | LinearQ4_0 blk.0.attn_q.weight [4096, 72, ...]`, with a line across where the threads meet. */
function printProgram({ name, steps, barriers }: Omit<Program, "toString">): string {
  const lines = steps.flatMap(({ opcode, label, operands }, i) => {
    const line = `${String(i).padStart(4)} ${Opcode[opcode]} ${label} [${operands.join(", ")}]`;
    return barriers[i] ? ["     ---- barrier ----", line] : [line];
  });
  const meetings = barriers.filter((barrier) => barrier).length;
  return [`program ${name}: ${steps.length} steps, ${meetings} barriers`, ...lines].join("\n");
}
