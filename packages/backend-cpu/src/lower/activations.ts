/**
 * What a linear step reads: f32 rows, or their int8 form. Rows that give logits are few, so what only they pass through
 * can afford the precision of two int8 rows for each: the row and what its int8 form leaves of it (decision 29).
 */
import type { Value } from "@millet/core/graph";
import { Opcode, Sharing } from "../../assembly/opcodes.js";
import { packedInfo } from "../pack/packed-type.js";
import { units } from "../program/program.js";
import type { Access } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { ALL, accessMatrix, type Matrix, PRIVATE, paddedRows } from "./matrix.js";
import { hasFewRows } from "./replication.js";

/** Bytes of 32 quantized activations (assembly/activations.ts). */
const BLOCK_BYTES = 48;

export interface Activations {
  /** The most rows, and the address of how many there are in a call. */
  readonly rows: number;
  readonly count: number;
  readonly address: number;
  readonly stride: number;
  readonly privateStride: number;
  readonly access: Access;
}

/** Whether a product takes each row of x as two. */
export function isFine({ givesLogits }: LoweringContext, x: Value, weight: Value): boolean {
  return givesLogits && x.rowAxis === "logits" && packedInfo(weight.spec).quantized;
}

export function activationsOf(context: LoweringContext, x: Value, weight: Value): Activations {
  return packedInfo(weight.spec).quantized
    ? quantized(context, x, isFine(context, x, weight))
    : plain(context, x);
}

function plain(context: LoweringContext, value: Value): Activations {
  const x = context.matrix(value);
  return {
    rows: paddedRows(value.spec.shape[0]!),
    count: x.count,
    address: x.address,
    stride: x.stride,
    privateStride: x.privateStride,
    access: accessMatrix(x, false, ALL, context.threads),
  };
}

/** Few rows are quantized by every thread for itself. */
function quantized(context: LoweringContext, value: Value, isFine: boolean): Activations {
  const replicated = hasFewRows(value);
  const x = context.matrix(value);
  const refined = isFine ? context.rowsOfTwo("refined", value, replicated) : undefined;
  const { byteLength: bytes, stride, count, width } = refined ?? x;
  const rows = bytes / stride;
  const byteLength = Math.ceil((rows * (width / 32) * BLOCK_BYTES) / 64) * 64;
  const copies = replicated ? context.threads : 1;
  const privateStride = replicated ? byteLength : 0;
  const kind = isFine ? "quantized in two" : "quantized";
  const address = context.temporary(`${kind} ${width} ${rows}`, byteLength * copies);
  const access = { space: "memory", start: address, end: address + byteLength * copies };
  const byRows = { by: "rows", count } as const;
  if (!context.holds(address, value)) {
    if (refined) emitRefine(context, value.name, x, refined, replicated);
    const from = refined ?? x;
    context.emit({
      opcode: Opcode.Quantize,
      label: value.name,
      operands: [
        units(from.address),
        units(from.stride),
        units(from.privateStride),
        width,
        units(count),
        units(address),
        replicated ? Sharing.Replicated : Sharing.Rows,
        units(privateStride),
      ],
      accesses: [
        accessMatrix(from, false, replicated ? ALL : byRows, context.threads),
        { ...access, write: true, sharing: replicated ? PRIVATE : byRows },
      ],
    });
  }
  const sharing = replicated ? PRIVATE : ALL;
  return { rows, count, address, stride: 0, privateStride, access: { ...access, write: false, sharing } };
}

function emitRefine(
  context: LoweringContext,
  label: string,
  x: Matrix,
  y: Matrix,
  replicated: boolean,
): void {
  const byRows = { by: "rows", count: x.count } as const;
  context.emit({
    opcode: Opcode.Refine,
    label,
    operands: [
      units(x.address),
      units(x.stride),
      units(x.privateStride),
      x.width,
      units(x.count),
      units(y.address),
      units(y.stride),
      replicated ? Sharing.Replicated : Sharing.Rows,
      units(y.privateStride),
    ],
    accesses: [
      accessMatrix(x, false, replicated ? ALL : byRows, context.threads),
      accessMatrix(y, true, byRows, context.threads),
    ],
  });
}
