/** embedding, rope, gather_rows -> one step each. */
import type { Node } from "@millet/core/graph";
import type { EmbeddingAttrs, RopeOpAttrs } from "@millet/core/ops";
import { Opcode } from "../../assembly/opcodes.js";
import { packedInfo } from "../pack/packed-type.js";
import { floatBits, units } from "../program/program.js";
import type { LoweringContext } from "./context.js";
import { accessMatrix, byFeatures } from "./matrix.js";

export function lowerEmbedding(context: LoweringContext, node: Node<"embedding", EmbeddingAttrs>): void {
  const [weight, tokens] = node.inputs;
  const y = context.matrix(node.outputs[0]!);
  context.emit({
    opcode: Opcode.Embedding,
    label: weight!.name,
    operands: [
      units(context.weight(weight!)),
      packedInfo(weight!.spec).type,
      weight!.spec.shape[0]!,
      y.width,
      units(context.call.inputOf(tokens!)),
      units(y.count),
      units(y.address),
      units(y.stride),
      floatBits(node.attrs.scale),
    ],
    accesses: [accessMatrix(y, true, byFeatures(y.width), context.threads)],
  });
}

export function lowerRope(context: LoweringContext, node: Node<"rope", RopeOpAttrs>): void {
  const x = context.matrix(node.inputs[0]!);
  const y = context.matrix(node.outputs[0]!);
  const { heads, headDim, interleaved, inverseFrequencies } = node.attrs;
  const byRows = { by: "rows", count: y.count } as const;
  context.emit({
    opcode: Opcode.Rope,
    label: node.outputs[0]!.name,
    operands: [
      units(x.address),
      units(x.stride),
      units(y.address),
      units(y.stride),
      units(y.count),
      heads,
      headDim,
      units(context.call.rotationOf(node.attrs, node.inputs[1]!)),
      inverseFrequencies.length,
      Number(interleaved),
    ],
    accesses: [
      accessMatrix(x, false, byRows, context.threads),
      accessMatrix(y, true, byRows, context.threads),
    ],
  });
}

export function lowerGatherRows(context: LoweringContext, node: Node): void {
  const x = context.matrix(node.inputs[0]!);
  const y = context.matrix(node.outputs[0]!);
  const sharing = byFeatures(y.width);
  context.emit({
    opcode: Opcode.GatherRows,
    label: node.outputs[0]!.name,
    operands: [
      units(x.address),
      units(x.stride),
      units(context.call.inputOf(node.inputs[1]!)),
      units(y.address),
      units(y.stride),
      y.width,
      units(y.count),
    ],
    accesses: [
      accessMatrix(x, false, sharing, context.threads),
      accessMatrix(y, true, sharing, context.threads),
    ],
  });
}
