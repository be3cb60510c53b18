/** The elementwise ops (add, gelu, swiglu and so on) -> one step each, shared by features like the columns of linear. */
import type { Node } from "@millet/core/graph";
import type { OpNode } from "@millet/core/ops";
import { Opcode } from "../../assembly/opcodes.js";
import { floatBits, units } from "../program/program.js";
import type { Access } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { accessMatrix, byFeatures, type Matrix } from "./matrix.js";

type ElementwiseOp = "add" | "geglu" | "gelu" | "mul" | "scale" | "silu" | "soft_cap" | "swiglu";

type ElementwiseNode = Extract<OpNode, Node<ElementwiseOp>>;

export function lowerElementwise(context: LoweringContext, node: ElementwiseNode): void {
  const a = context.matrix(node.inputs[0]!);
  const b = context.matrix(node.inputs[1] ?? node.inputs[0]!);
  const y = context.matrix(node.outputs[0]!);
  const reads = [accessMatrix(b, false, byFeatures(b.width), context.threads)];
  emitElementwise(context, operationOf(node), node.outputs[0]!.name, a, b, y, reads);
}

/** What is computed of two elements. */
interface Operation {
  readonly opcode: Opcode;
  /** See `ElementwiseOperand.Value`; 0 unless given. */
  readonly value?: number;
}

function operationOf(node: ElementwiseNode): Operation {
  switch (node.op) {
    case "add":
      return { opcode: Opcode.Add };
    case "mul":
      return { opcode: Opcode.Mul };
    case "silu":
      return { opcode: Opcode.Silu };
    case "swiglu":
      return { opcode: Opcode.SwiGlu };
    case "gelu":
      return { opcode: node.attrs.approximation === "tanh" ? Opcode.GeluTanh : Opcode.Gelu };
    case "geglu":
      return { opcode: node.attrs.approximation === "tanh" ? Opcode.GeGluTanh : Opcode.GeGlu };
    case "soft_cap":
      return { opcode: Opcode.SoftCap, value: node.attrs.cap };
    case "scale":
      return { opcode: Opcode.Scale, value: node.attrs.factor };
    default:
      return node satisfies never;
  }
}

/** y = op(a, b); `reads` are the accesses to b. */
export function emitElementwise(
  context: LoweringContext,
  { opcode, value = 0 }: Operation,
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
      floatBits(value),
    ],
    accesses: [
      accessMatrix(a, false, sharing, context.threads),
      ...reads,
      accessMatrix(y, true, sharing, context.threads),
    ],
  });
}
