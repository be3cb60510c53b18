/**
 * attention: RoPE on queries and keys, write of K and V into the cache, grouped-query attention over a sequence's
 * cached rows (Vaswani et al. 2017, arXiv 1706.03762; Ainslie et al. 2023, arXiv 2305.13245).
 * One composite op, so that a backend with a fused kernel need not guess patterns.
 */

import { MilletError } from "../errors.js";
import type { HostState } from "../graph/host-state.js";
import type { OpDef } from "../graph/op.js";
import { type HostTensor, type TensorSpec, viewAs } from "../tensor/tensor.js";
import { checkArity, checkIndices, checkMatrix, checkOp } from "./check.js";
import { type RopeAttrs, rope } from "./rope.js";
import { type Matrix, matrixOf, newMatrix } from "./rows.js";

export interface AttentionAttrs {
  /** Layer of the cache that K and V go to. */
  readonly layer: number;
  readonly heads: number;
  readonly kvHeads: number;
  /** Size of a query or key head. */
  readonly headDim: number;
  /** Size of a value head. */
  readonly valueDim: number;
  /** Factor on the scores before softmax; usually 1 / sqrt(headDim). */
  readonly scale: number;
  /** A key is visible if its position is not after the query's. Encoders say false. */
  readonly causal: boolean;
  /** Sliding window: a key is visible if query position - key position < window. No limit if undefined. */
  readonly window?: number;
  /** softCap * tanh(score / softCap) before masking (Gemma 2). */
  readonly softCap?: number;
  readonly rope?: RopeAttrs;
}

const OP = "attention";

/** Names of the operands after q, k, v, in order. */
export const ATTENTION_INDEX_INPUTS = [
  "positions",
  "sequences",
  "writeRows",
  "blockTable",
  "lengths",
] as const;

/**
 * Inputs: q f32[T, heads * headDim], k f32[T, kvHeads * headDim], v f32[T, kvHeads * valueDim], positions i32[T],
 * sequences i32[T], writeRows i32[T], blockTable i32[S, B], lengths i32[S]. Output: f32[T, heads * valueDim].
 *
 * Row t belongs to sequence s = sequences[t]. Its K and V go to cache row writeRows[t], together with positions[t].
 * The cache may round them (backend/round-kv.ts). It then attends to the sequence's first lengths[s] cached rows, in order: the j-th lies in cache row
 * blockTable[s, floor(j / blockRows)] * blockRows + j % blockRows, if visible by position.
 */
export const attention: OpDef<"attention", AttentionAttrs> = {
  op: OP,
  infer(inputs, attrs) {
    checkArity(OP, inputs, 8);
    const rows = checkHeads(inputs, 0, attrs.heads * attrs.headDim);
    checkHeads(inputs, 1, attrs.kvHeads * attrs.headDim, rows);
    checkHeads(inputs, 2, attrs.kvHeads * attrs.valueDim, rows);
    for (const index of [3, 4, 5]) checkIndices(OP, inputs, index, rows);
    const table = inputs[6]!;
    checkOp(table.dtype === "i32" && table.shape.length === 2, OP, "blockTable must be i32[S, B]", inputs);
    checkIndices(OP, inputs, 7, table.shape[0]);
    checkOp(attrs.heads % attrs.kvHeads === 0, OP, "heads must be a multiple of kvHeads", inputs);
    return [{ dtype: "f32", shape: [rows, attrs.heads * attrs.valueDim] }];
  },
  reference(inputs, attrs, state) {
    if (!state)
      throw new MilletError("INVALID_ARGUMENT", "attention needs a KV cache: pass a state to run().");
    const [q, k, v, positions] = inputs;
    const queries = matrixOf(rotated(q!, positions!, attrs.heads, attrs));
    const keys = matrixOf(rotated(k!, positions!, attrs.kvHeads, attrs));
    const steps = stepOf(inputs, state);
    writeCache(keys, matrixOf(v!), steps, attrs, state);
    const out = newMatrix(queries.rows, attrs.heads * attrs.valueDim);
    for (let t = 0; t < queries.rows; t++) attendRow(t, queries, steps, attrs, state, out.values);
    return [out.tensor];
  },
  decompose(graph, inputs, attrs) {
    const { rope: rotation, ...plain } = attrs;
    if (!rotation) return undefined;
    const [q, k, v, positions, ...rest] = inputs;
    const { headDim } = attrs;
    const turn = (x: typeof q, heads: number) =>
      graph.emitOne(rope, [x!, positions!], { ...rotation, heads, headDim });
    return graph.emit(
      attention,
      [turn(q, attrs.heads), turn(k, attrs.kvHeads), v!, positions!, ...rest],
      plain,
    );
  },
};

function checkHeads(inputs: readonly TensorSpec[], index: number, columns: number, rows?: number): number {
  const [actualRows, actualColumns] = checkMatrix(OP, inputs, index);
  const fits = actualColumns === columns && (rows === undefined || rows === actualRows);
  checkOp(fits, OP, `operand ${index} must be f32[${rows ?? "T"}, ${columns}]`, inputs);
  return actualRows;
}

function rotated(x: HostTensor, positions: HostTensor, heads: number, attrs: AttentionAttrs): HostTensor {
  if (!attrs.rope) return x;
  const [result] = rope.reference(
    [x, positions],
    { ...attrs.rope, heads, headDim: attrs.headDim },
    undefined,
  );
  return result!;
}

/** The index operands of a call, and the cached rows of each sequence in order. */
interface Step {
  readonly positions: Int32Array;
  readonly sequences: Int32Array;
  readonly writeRows: Int32Array;
  rowsOf(sequence: number): number[];
}

function stepOf(inputs: readonly HostTensor[], state: HostState): Step {
  const [positions, sequences, writeRows, table, lengths] = inputs.slice(3).map((x) => viewAs(x, "i32"));
  const blocksPerSequence = inputs[6]!.spec.shape[1]!;
  const { blockRows } = state;
  return {
    positions: positions!,
    sequences: sequences!,
    writeRows: writeRows!,
    rowsOf: (sequence) =>
      Array.from({ length: lengths![sequence]! }, (_, j) => {
        const block = table![sequence * blocksPerSequence + Math.floor(j / blockRows)]!;
        return block * blockRows + (j % blockRows);
      }),
  };
}

function writeCache(keys: Matrix, values: Matrix, step: Step, attrs: AttentionAttrs, state: HostState): void {
  step.writeRows.forEach((row, t) => {
    const rowOf = (x: Matrix) => x.values.subarray(t * x.columns, (t + 1) * x.columns);
    state.store(attrs.layer, row, step.positions[t]!, rowOf(keys), rowOf(values));
  });
}

/** Writes the output row of query row t: for each head, softmax(scores) times V. */
function attendRow(
  t: number,
  queries: Matrix,
  step: Step,
  attrs: AttentionAttrs,
  state: HostState,
  out: Float32Array,
): void {
  const { heads, kvHeads, headDim, valueDim, layer } = attrs;
  const visible = step
    .rowsOf(step.sequences[t]!)
    .filter((row) => isVisible(step.positions[t]!, state.positions[row]!, attrs));
  const [keys, values] = [state.keys(layer), state.values(layer)];
  for (let h = 0; h < heads; h++) {
    const kvHead = Math.floor((h * kvHeads) / heads);
    const query = queries.values.subarray(t * queries.columns + h * headDim);
    const weights = softmax(
      visible.map((row) => score(query, keys, (row * kvHeads + kvHead) * headDim, attrs)),
    );
    const target = (t * heads + h) * valueDim;
    for (let i = 0; i < valueDim; i++) {
      let sum = 0;
      visible.forEach((row, j) => {
        sum += weights[j]! * values[(row * kvHeads + kvHead) * valueDim + i]!;
      });
      out[target + i] = sum;
    }
  }
}

function isVisible(query: number, key: number, { causal, window }: AttentionAttrs): boolean {
  return (!causal || key <= query) && (window === undefined || query - key < window);
}

function score(query: Float32Array, keys: Float32Array, base: number, attrs: AttentionAttrs): number {
  let sum = 0;
  for (let i = 0; i < attrs.headDim; i++) sum += query[i]! * keys[base + i]!;
  const scaled = sum * attrs.scale;
  return attrs.softCap === undefined ? scaled : attrs.softCap * Math.tanh(scaled / attrs.softCap);
}

function softmax(scores: readonly number[]): number[] {
  const most = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const exponentials = scores.map((s) => Math.exp(s - most));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((e) => e / total);
}
