/**
 * linear -> [[refine,] quantize,] linear_<type> [, add]: activations are quantized once for all layers that read them, and
 * as two rows each where that pays (decision 29), whose products linear adds up.
 */
import type { Node, Value } from "@millet/core/graph";
import { LinearScratch, Opcode, StepFlag } from "../../assembly/opcodes.js";
import { groupsOf, packedInfo } from "../pack/packed-type.js";
import { units } from "../program/program.js";
import type { Access } from "../program/step.js";
import { activationsOf, isFine } from "./activations.js";
import type { LoweringContext } from "./context.js";
import { emitElementwise } from "./elementwise.js";
import { accessMatrix, byFeatures, type Matrix, PRIVATE } from "./matrix.js";

export function lowerLinear(context: LoweringContext, node: Node): void {
  const [x, weight, bias] = node.inputs;
  const y = context.matrix(node.outputs[0]!);
  const activations = activationsOf(context, x!, weight!);
  const scratch = scratchOf(context, activations.rows);
  context.emit({
    opcode: packedInfo(weight!.spec).linear,
    label: weight!.name,
    ...(isFine(context, x!, weight!) && { flags: StepFlag.AddPairs }),
    operands: [
      units(context.weight(weight!)),
      groupsOf(y.width),
      weight!.spec.shape[1]!,
      units(activations.address),
      units(activations.stride),
      units(activations.privateStride),
      units(activations.count),
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
  const { WeightBytes, TileBytes, RowBytes, PairBytes } = LinearScratch;
  return WeightBytes + TileBytes + (RowBytes + PairBytes) * Math.ceil(rows / 8) * 8;
}

/** Work space of the shares, which linears of as many rows have in common. */
function scratchOf(context: LoweringContext, rows: number) {
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
