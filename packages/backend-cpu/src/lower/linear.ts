/** linear -> [quantize,] linear_<type> [, add]: activations are quantized once for all layers that read them. */
import type { Node, Value } from "@millet/core/graph";
import { LinearScratch, Opcode, Sharing } from "../../assembly/opcodes.js";
import { groupsOf, packedInfo } from "../pack/packed-type.js";
import { units } from "../program/program.js";
import type { Access } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";
import { ALL, accessMatrix, byFeatures, type Matrix, PRIVATE, paddedRows } from "./matrix.js";
import { hasFewRows } from "./replication.js";

/** Bytes of 32 quantized activations (assembly/activations.ts). */
const ACTIVATION_BLOCK_BYTES = 48;

/** What a linear step reads: f32 rows, or their quantized form. */
interface Activations {
  readonly address: number;
  readonly stride: number;
  readonly privateStride: number;
  readonly access: Access;
}

export function lowerLinear(context: LoweringContext, node: Node): void {
  const [x, weight, bias] = node.inputs;
  const { linear, quantized } = packedInfo(weight!.spec);
  const activations = quantized ? quantize(context, x!) : plain(context, x!);
  const y = context.matrix(node.outputs[0]!);
  const scratch = scratchOf(context, node.outputs[0]!);
  context.emit({
    opcode: linear,
    label: weight!.name,
    operands: [
      units(context.weight(weight!)),
      groupsOf(y.width),
      weight!.spec.shape[1]!,
      units(activations.address),
      units(activations.stride),
      units(activations.privateStride),
      units(y.count),
      units(y.address),
      units(y.stride),
      units(scratch.address),
      units(scratch.privateStride),
    ],
    accesses: [
      activations.access,
      scratch.access,
      accessMatrix(y, true, byFeatures(y.width), context.threads),
    ],
  });
  if (bias) addBias(context, y, bias);
}

/** Work space of one share of a product of at most `rows` rows. */
export function linearScratchBytes(rows: number): number {
  const { WeightBytes, TileBytes, RowBytes } = LinearScratch;
  return WeightBytes + TileBytes + RowBytes * Math.ceil(rows / 8) * 8;
}

/** Work space of the shares, which linears of as many rows have in common. */
function scratchOf(context: LoweringContext, y: Value) {
  const rows = y.spec.shape[0]!;
  const byteLength = linearScratchBytes(rows);
  const address = context.temporary(`linear scratch ${rows}`, byteLength * context.threads);
  const end = address + byteLength * context.threads;
  const access: Access = { space: "memory", start: address, end, write: true, sharing: PRIVATE };
  return { address, privateStride: byteLength, access };
}

/** A stride of 0 adds the same row to all. */
function addBias(context: LoweringContext, y: Matrix, bias: Value): void {
  const row = { address: context.weight(bias), stride: 0 };
  emitElementwise(context, { opcode: Opcode.Add }, bias.name, y, row, y, []);
}

function plain(context: LoweringContext, value: Value): Activations {
  const x = context.matrix(value);
  return {
    address: x.address,
    stride: x.stride,
    privateStride: x.privateStride,
    access: accessMatrix(x, false, ALL, context.threads),
  };
}

/** Few rows are quantized by every thread for itself. */
function quantize(context: LoweringContext, value: Value): Activations {
  const x = context.matrix(value);
  const replicated = hasFewRows(value);
  const rows = paddedRows(value.spec.shape[0]!);
  const byteLength = Math.ceil((rows * (x.width / 32) * ACTIVATION_BLOCK_BYTES) / 64) * 64;
  const copies = replicated ? context.threads : 1;
  const privateStride = replicated ? byteLength : 0;
  const address = context.temporary(`quantized ${x.width} ${rows}`, byteLength * copies);
  const access = { space: "memory", start: address, end: address + byteLength * copies };
  const byRows = { by: "rows", count: x.count } as const;
  if (!context.holds(address, value)) {
    context.emit({
      opcode: Opcode.Quantize,
      label: value.name,
      operands: [
        units(x.address),
        units(x.stride),
        units(x.privateStride),
        x.width,
        units(x.count),
        units(address),
        replicated ? Sharing.Replicated : Sharing.Rows,
        units(privateStride),
      ],
      accesses: [
        accessMatrix(x, false, replicated ? ALL : byRows, context.threads),
        { ...access, write: true, sharing: replicated ? PRIVATE : byRows },
      ],
    });
  }
  const sharing = replicated ? PRIVATE : ALL;
  return { address, stride: 0, privateStride, access: { ...access, write: false, sharing } };
}
