/** Checksums of the packed weights, computed by the engine's threads where they lie. */
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../engine/engine.js";
import { AUXILIARY_BYTES, type ModelPlan } from "../model-plan.js";
import { encodeProgram, units } from "../program/program.js";

/** @returns 8 bytes per block of `blockBytes` */
export async function checksums(
  engine: Engine,
  { packed, work }: Pick<ModelPlan, "packed" | "work">,
  blockBytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const blocks = Math.ceil(packed.byteLength / blockBytes);
  const lastBytes = packed.byteLength - (blocks - 1) * blockBytes;
  const operands = [units(packed.address), blocks, units(blockBytes), units(lastBytes), units(work.address)];
  const program = work.address + work.byteLength - AUXILIARY_BYTES;
  const sum = { opcode: Opcode.Checksum, label: "packed weights", operands, accesses: [] };
  const { words } = encodeProgram("checksum", [sum]);
  const [sums] = await engine.call({
    writes: [{ address: program, data: new Uint8Array(words.buffer) }],
    program,
    reads: [{ address: work.address, byteLength: 8 * blocks }],
    ...(signal && { signal }),
  });
  return sums!;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
