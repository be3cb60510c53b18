/** add, mul, silu, swiglu -> one step each, shared by features like the columns of linear. */
import type { Node } from "@millet/core/graph";
import { Opcode } from "../../assembly/opcodes.js";
import { units } from "../program/program.js";
import type { Access } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { accessMatrix, byFeatures, type Matrix } from "./matrix.js";

const OPCODES = { add: Opcode.Add, mul: Opcode.Mul, silu: Opcode.Silu, swiglu: Opcode.SwiGlu } as const;

export function lowerElementwise(context: LoweringContext, node: Node<keyof typeof OPCODES>): void {
  const a = context.matrix(node.inputs[0]!);
  const b = context.matrix(node.inputs[1] ?? node.inputs[0]!);
  const y = context.matrix(node.outputs[0]!);
  const reads = [accessMatrix(b, false, byFeatures(b.width), context.threads)];
  emitElementwise(context, OPCODES[node.op], node.outputs[0]!.name, a, b, y, reads);
}

/** y = op(a, b); `reads` are the accesses to b. */
export function emitElementwise(
  context: LoweringContext,
  opcode: Opcode,
  label: string,
  a: Matrix,
  b: Pick<Matrix, "address" | "stride">,
  y: Matrix,
  reads: readonly Access[],
): void {
  const sharing = byFeatures(y.width);
  context.emit({
    opcode,
    label,
    operands: [
      units(a.address),
      units(a.stride),
      units(b.address),
      units(b.stride),
      units(y.address),
      units(y.stride),
      y.width,
      units(y.count),
    ],
    accesses: [
      accessMatrix(a, false, sharing, context.threads),
      ...reads,
      accessMatrix(y, true, sharing, context.threads),
    ],
  });
}
