/** rms_norm, layer_norm -> one step each, shared among threads so that as few as possible have to wait. */
import type { Node } from "@millet/core/graph";
import type { LayerNormAttrs, RmsNormAttrs } from "@millet/core/ops";
import { Opcode, Sharing } from "../../assembly/opcodes.js";
import { floatBits, units } from "../program/program.js";
import type { Sharing as AccessSharing } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { ALL, accessMatrix, byFeatures, type Matrix } from "./matrix.js";
import { hasFewRows } from "./replication.js";

const OPCODES = { rms_norm: Opcode.RmsNorm, layer_norm: Opcode.LayerNorm } as const;

type NormNode = Node<"rms_norm", RmsNormAttrs> | Node<"layer_norm", LayerNormAttrs>;

export function lowerNorm(context: LoweringContext, node: NormNode): void {
  const [input, weight, bias] = node.inputs;
  const { epsilon, groups = 1 } = node.attrs;
  const x = context.matrix(input!);
  const y = context.matrix(node.outputs[0]!);
  const width = x.width / groups;
  const { sharing, reads, writes } = sharingOf(y, groups, hasFewRows(input!), context.threads);
  context.emit({
    opcode: OPCODES[node.op],
    label: weight!.name,
    operands: [
      units(x.address),
      units(x.stride),
      units(context.weight(weight!)),
      bias ? units(context.weight(bias)) : 0,
      Number(weight!.spec.shape[0] === width),
      floatBits(epsilon),
      width,
      groups,
      units(y.count),
      units(y.address),
      units(y.stride),
      sharing,
      units(y.privateStride),
    ],
    accesses: [
      accessMatrix(x, false, reads, context.threads),
      accessMatrix(y, true, writes, context.threads),
    ],
  });
}

interface NormSharing {
  readonly sharing: Sharing;
  readonly reads: AccessSharing;
  readonly writes: AccessSharing;
}

/**
 * By features where rows are few or groups many, like the linears before and the sums after it: a thread reads whole the
 * groups that it writes a part of. Where every share holds whole groups (heads), it waits for nobody.
 */
function sharingOf(y: Matrix, groups: number, few: boolean, threads: number): NormSharing {
  const byRows = { by: "rows", count: y.count } as const;
  if (y.privateStride !== 0) return { sharing: Sharing.Replicated, reads: ALL, writes: byRows };
  if (groups === 1 && !few) return { sharing: Sharing.Rows, reads: byRows, writes: byRows };
  const writes = byFeatures(y.width);
  const reads = sharesHoldWholeGroups(y.width, groups, threads) ? writes : ALL;
  return { sharing: Sharing.Features, reads, writes };
}

/** Whether the features of each thread's share (assembly/partition.ts) begin and end with a group. */
function sharesHoldWholeGroups(columns: number, groups: number, threads: number): boolean {
  const blocks = Math.ceil(columns / 8);
  const boundaries = Array.from(
    { length: threads - 1 },
    (_, t) => 8 * Math.floor((blocks * (t + 1)) / threads),
  );
  return boundaries.every((column) => column % (columns / groups) === 0);
}
