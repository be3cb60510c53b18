/** attention -> [kv_positions once,] kv_write, attention. */
import type { Node } from "@millet/core/graph";
import type { AttentionAttrs } from "@millet/core/ops";
import { KvBlock, Opcode } from "../../assembly/opcodes.js";
import { floatBits, units } from "../program/program.js";
import type { Access } from "../program/step.js";
import type { LoweringContext } from "./context.js";
import { kvLayerOffset, kvType, valueColumns } from "./kv-layout.js";
import { ALL, accessMatrix, PRIVATE } from "./matrix.js";
import { aligned } from "./region.js";
import { hasFewRows } from "./replication.js";

type AttentionNode = Node<"attention", AttentionAttrs>;

export function lowerAttention(context: LoweringContext, node: AttentionNode): void {
  const work = workSpace(context, node);
  emitPositions(context, node);
  emitWrite(context, node, work);
  emitAttention(context, node, work);
}

/** Bytes of a tile's parts that do not depend on the size of heads (assembly/kernels/attention-tile.ts). */
const TILE_BYTES = 768 + 8 * 128 * KvBlock.SpanBlocks;

/** Memory beside the operands: a tile's scratch per thread; counters and partial results where threads share a tile. */
interface WorkSpace {
  readonly scratch: number;
  readonly scratchPrivate: number;
  readonly partials: number;
  readonly partialBytes: number;
  readonly maxSegments: number;
  readonly counters: number;
  readonly counterCount: number;
}

function workSpace(context: LoweringContext, { attrs, inputs }: AttentionNode): WorkSpace {
  const { heads, kvHeads, headDim, valueDim } = attrs;
  const rows = inputs[0]!.spec.shape[0]!;
  const width = 4 * valueColumns(context.kv, valueDim);
  // As attention-tile.ts has it: four queries, outputs of the segment and of all segments, after parts of fixed size.
  const scratchPrivate = aligned(TILE_BYTES + 4 * (4 * 32 * Math.ceil(headDim / 32)) + 8 * width);
  const maxSegments = Math.ceil(inputs[6]!.spec.shape[1]! / KvBlock.SegmentBlocks);
  const shared = context.threads > 1 && maxSegments > 1 && hasFewRows(inputs[0]!);
  const partialBytes = shared ? rows * heads * maxSegments * (width + 16) : 0;
  const counterCount = shared ? kvHeads * Math.ceil((rows * heads) / kvHeads / 4) : 0;
  const key = `${heads} ${kvHeads} ${headDim} ${valueDim}`;
  return {
    scratch: context.temporary(`attention ${key}`, scratchPrivate * context.threads),
    scratchPrivate,
    partials: shared ? context.temporary(`attention partials ${key}`, partialBytes) : 0,
    partialBytes,
    maxSegments,
    counters: context.temporary(`attention counters ${key}`, Math.max(4 * counterCount, 4)),
    counterCount,
  };
}

/** Positions are stored once for all layers. */
function emitPositions(context: LoweringContext, { inputs }: AttentionNode): void {
  const [positions, writeRows] = [inputs[3]!, inputs[5]!];
  const operands = [
    units(context.call.inputOf(positions)),
    units(context.call.inputOf(writeRows)),
    units(context.call.countOf(positions)),
    units(context.call.blocks),
  ];
  const known = context.steps.some(
    (step) => step.opcode === Opcode.KvPositions && operands.every((word, i) => word === step.operands[i]),
  );
  if (known) return;
  context.emit({
    opcode: Opcode.KvPositions,
    label: positions.name,
    operands,
    accesses: [positionsAccess(true)],
  });
}

function emitWrite(
  context: LoweringContext,
  { attrs, inputs, outputs }: AttentionNode,
  work: WorkSpace,
): void {
  const [k, v] = [context.matrix(inputs[1]!), context.matrix(inputs[2]!)];
  context.emit({
    opcode: Opcode.KvWrite,
    label: `${outputs[0]!.name} layer ${attrs.layer}`,
    operands: [
      units(k.address),
      units(k.stride),
      units(v.address),
      units(v.stride),
      units(k.count),
      units(context.call.inputOf(inputs[5]!)),
      units(context.call.blocks),
      units(kvLayerOffset(context.kv, attrs.layer)),
      attrs.kvHeads,
      attrs.headDim,
      attrs.valueDim,
      ...rotation(context, attrs, inputs[3]!),
      units(work.counters),
      work.counterCount,
      kvType(context.kv),
      units(work.scratch),
      units(work.scratchPrivate),
    ],
    accesses: [
      accessMatrix(k, false, ALL, context.threads),
      accessMatrix(v, false, ALL, context.threads),
      layerAccess(attrs.layer, true),
      memoryAccess(work.scratch, work.scratchPrivate * context.threads, PRIVATE),
      ...sharedAccesses(work),
    ],
  });
}

function emitAttention(
  context: LoweringContext,
  { attrs, inputs, outputs }: AttentionNode,
  work: WorkSpace,
): void {
  const [q, y] = [context.matrix(inputs[0]!), context.matrix(outputs[0]!)];
  const { call, threads } = context;
  context.emit({
    opcode: Opcode.Attention,
    label: `${outputs[0]!.name} layer ${attrs.layer}`,
    operands: [
      units(q.address),
      units(q.stride),
      units(y.address),
      units(y.stride),
      units(y.count),
      units(call.inputOf(inputs[3]!)),
      units(call.inputOf(inputs[4]!)),
      units(call.inputOf(inputs[6]!)),
      inputs[6]!.spec.shape[1]!,
      units(call.inputOf(inputs[7]!)),
      units(call.blocks),
      units(kvLayerOffset(context.kv, attrs.layer)),
      attrs.heads,
      attrs.kvHeads,
      attrs.headDim,
      attrs.valueDim,
      floatBits(attrs.scale),
      Number(attrs.causal),
      attrs.window ?? 0,
      floatBits(attrs.softCap ?? 0),
      ...rotation(context, attrs, inputs[3]!),
      units(work.scratch),
      units(work.scratchPrivate),
      units(work.partials),
      work.maxSegments,
      units(work.counters),
      kvType(context.kv),
    ],
    accesses: [
      accessMatrix(q, false, ALL, threads),
      accessMatrix(y, true, ALL, threads),
      layerAccess(attrs.layer, false),
      positionsAccess(false),
      memoryAccess(work.scratch, work.scratchPrivate * threads, PRIVATE),
      ...sharedAccesses(work),
    ],
  });
}

function rotation(
  context: LoweringContext,
  { rope }: AttentionAttrs,
  positions: AttentionNode["inputs"][0],
): number[] {
  if (!rope) return [0, 0, 0];
  const table = context.call.rotationOf(rope, positions);
  return [units(table), rope.inverseFrequencies.length, Number(rope.interleaved)];
}

function sharedAccesses({ counters, counterCount, partials, partialBytes }: WorkSpace): Access[] {
  if (counterCount === 0) return [];
  return [memoryAccess(counters, 4 * counterCount, ALL), memoryAccess(partials, partialBytes, ALL)];
}

function memoryAccess(start: number, byteLength: number, sharing: Access["sharing"]): Access {
  return { space: "memory", start, end: start + byteLength, write: true, sharing };
}

function layerAccess(layer: number, write: boolean): Access {
  return { space: `kv layer ${layer}`, start: 0, end: 1, write, sharing: ALL };
}

function positionsAccess(write: boolean): Access {
  return { space: "kv positions", start: 0, end: 1, write, sharing: ALL };
}
