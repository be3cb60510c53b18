/** Checksums of the packed weights, computed by the engine's threads where they lie. */
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../engine/engine.js";
import { AUXILIARY_BYTES, type ModelPlan } from "../model-plan.js";
import { encodeProgram, units } from "../program/program.js";
import type { Step } from "../program/step.js";
import type { Range } from "./transfer.js";

/**
 * @param fresh memory full of zeros that the first call will use: the threads also make the system give it
 * @returns 8 bytes per block of `blockBytes`
 */
export async function checksums(
  engine: Engine,
  { packed, work }: ModelPlan,
  blockBytes: number,
  signal: AbortSignal | undefined,
  fresh?: Range,
): Promise<Uint8Array> {
  const blocks = Math.ceil(packed.byteLength / blockBytes);
  const lastBytes = packed.byteLength - (blocks - 1) * blockBytes;
  const operands = [units(packed.address), blocks, units(blockBytes), units(lastBytes), units(work.address)];
  const program = work.address + work.byteLength - AUXILIARY_BYTES;
  const one = program + AUXILIARY_BYTES - 16;
  const sum = { opcode: Opcode.Checksum, label: "packed weights", operands, accesses: [] };
  const { words } = encodeProgram("checksum", fresh ? [sum, touch(fresh, one)] : [sum]);
  const [sums] = await engine.call({
    writes: [
      { address: program, data: new Uint8Array(words.buffer) },
      { address: one, data: new Uint8Array(Int32Array.of(1).buffer) },
    ],
    program,
    reads: [{ address: work.address, byteLength: 8 * blocks }],
    ...(signal && { signal }),
  });
  return sums!;
}

/** Adds zeros to zeros. @param one address of an i32 of 1 */
function touch({ address, byteLength }: Range, one: number): Step {
  const place = [units(address), 0];
  const operands = [...place, ...place, ...place, byteLength / 4, units(one), 0];
  return { opcode: Opcode.Add, label: "fresh memory", operands, accesses: [] };
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
