/**
 * linear -> [[refine,] quantize,] linear_<type> [, add] [, add]: activations are quantized once for all layers that read
 * them, and as two rows each where that pays (decision 28), whose products are added up.
 */
import type { Node, Value } from "@millet/core/graph";
import { LinearScratch, Opcode } from "../../assembly/opcodes.js";
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
  const fine = isFine(x!, weight!);
  const products = fine ? context.rowsOfTwo("products", node.outputs[0]!) : y;
  emitProducts(context, x!, weight!, products);
  if (fine) addRowsOfTwo(context, weight!, products, y);
  if (bias) addBias(context, y, bias);
}

function emitProducts(context: LoweringContext, x: Value, weight: Value, y: Matrix): void {
  const activations = activationsOf(context, x, weight);
  const scratch = scratchOf(context, y);
  context.emit({
    opcode: packedInfo(weight.spec).linear,
    label: weight.name,
    operands: [
      units(context.weight(weight)),
      groupsOf(y.width),
      weight.spec.shape[1]!,
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
}

/** y[i] = products[2i] + products[2i + 1] */
function addRowsOfTwo(context: LoweringContext, { name }: Value, products: Matrix, y: Matrix): void {
  const stride = 2 * products.stride;
  const second = { address: products.address + products.stride, stride };
  emitElementwise(context, { opcode: Opcode.Add }, name, { ...products, stride }, second, y, []);
}

/** Work space of one share of a product of at most `rows` rows. */
export function linearScratchBytes(rows: number): number {
  const { WeightBytes, TileBytes, RowBytes } = LinearScratch;
  return WeightBytes + TileBytes + RowBytes * Math.ceil(rows / 8) * 8;
}

/** Work space of the shares, which linears of as many rows have in common. */
function scratchOf(context: LoweringContext, { byteLength: bytes, stride }: Matrix) {
  const rows = bytes / stride;
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
