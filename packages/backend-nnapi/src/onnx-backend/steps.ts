/**
 * Cuts a call into steps that a session can run: of one sequence where GroupQueryAttention asks for it, and of as many
 * tokens as a static graph has. A step knows which rows of the call it computes.
 */
import type { ActiveRows } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import type { EmittedGraph } from "../emit/emit.js";
import type { CacheIndices } from "../emit/feeds.js";
import type { OnnxState } from "./cache.js";

export type Inputs = Readonly<Record<string, HostTensor>>;

/** The index inputs of a call. */
export type Indices = Readonly<Record<keyof CacheIndices, Int32Array>>;

export interface Step {
  /** As the graph takes them, for the step's rows alone. */
  readonly inputs: Inputs;
  /** Which of the call's tokens it computes, and which of its rows of logits. */
  readonly tokens: readonly number[];
  readonly logits: readonly number[];
  /** Of the step's tokens; `lengths` end with them. */
  readonly indices: Indices | undefined;
  /** The rows that the sequence has once the step is done, in order, the step's own last; for grouped attention. */
  readonly rows: readonly number[];
}

/** @throws MilletError INVALID_ARGUMENT if a sequence's rows are in an order that GroupQueryAttention cannot express */
export function stepsOf(
  graph: Graph,
  { feeds, rows: limit }: EmittedGraph,
  inputs: Inputs,
  active: ActiveRows,
  state: OnnxState | undefined,
): readonly Step[] {
  const indices = feeds.indices && indicesOf(feeds.indices, inputs);
  const all = [...Array(active.tokens).keys()];
  const logits = [...Array(active.logits).keys()];
  if (feeds.grouped.length === 0 || !indices || !state) {
    if (limit === undefined || active.tokens <= limit)
      return [{ inputs, tokens: all, logits, indices, rows: [] }];
    throw new MilletError(
      "INVALID_ARGUMENT",
      `Graph "${graph.name}" takes ${limit} tokens a call, not ${active.tokens}.`,
    );
  }
  const steps: Step[] = [];
  for (const sequence of new Set(indices.sequences)) {
    const tokens = all.filter((t) => indices.sequences[t] === sequence);
    const rows = rowsOf(indices, sequence, state.plan.blockRows);
    checkOrder(
      graph,
      tokens,
      rows,
      indices,
      feeds.grouped.some(({ window }) => window !== undefined),
      state,
    );
    const size = limit ?? tokens.length;
    for (let from = 0; from < tokens.length; from += size) {
      const part = tokens.slice(from, from + size);
      const end = rows.length - tokens.length + from + part.length;
      steps.push(partOf(graph, feeds.indices!, inputs, part, sequence, rows.slice(0, end)));
    }
  }
  return steps;
}

export function indicesOf(names: CacheIndices, inputs: Inputs): Indices {
  const array = (name: string) => viewAs(inputs[name]!, "i32");
  return {
    positions: array(names.positions),
    sequences: array(names.sequences),
    writeRows: array(names.writeRows),
    blockTable: array(names.blockTable),
    lengths: array(names.lengths),
  };
}

/** Rows of the cache that a sequence has, in order. */
export function rowsOf({ blockTable, lengths }: Indices, sequence: number, blockRows: number): number[] {
  const columns = blockTable.length / lengths.length;
  return Array.from({ length: lengths[sequence]! }, (_, j) => {
    const block = blockTable[sequence * columns + Math.floor(j / blockRows)]!;
    return block * blockRows + (j % blockRows);
  });
}

/** What makes a row's place say who sees it: tokens come last, positions go up, one by one where there are windows. */
function checkOrder(
  graph: Graph,
  tokens: readonly number[],
  rows: readonly number[],
  { writeRows, positions }: Indices,
  hasWindow: boolean,
  state: OnnxState,
): void {
  const past = rows.length - tokens.length;
  const position = (j: number) => (j < past ? state.positions[rows[j]!]! : positions[tokens[j - past]!]!);
  const areLast = past >= 0 && tokens.every((t, i) => writeRows[t] === rows[past + i]);
  const goUp = areLast && rows.every((_, j) => j === 0 || isAfter(position(j - 1), position(j), hasWindow));
  if (goUp) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Graph "${graph.name}": the rows of a sequence must end with the call's tokens and be in order of their positions` +
      `${hasWindow ? ", without gaps" : ""}. For any other order, create the backend with attention: "general".`,
  );
}

const isAfter = (before: number, position: number, hasWindow: boolean) =>
  hasWindow ? position === before + 1 : position > before;

function partOf(
  graph: Graph,
  names: CacheIndices,
  inputs: Inputs,
  tokens: readonly number[],
  sequence: number,
  rows: readonly number[],
): Step {
  const picks = logitRowsOf(graph, inputs);
  const place = new Map(tokens.map((t, i) => [t, i]));
  const logits = picks ? [...picks.rows.keys()].filter((r) => place.has(picks.rows[r]!)) : [];
  const part: Record<string, HostTensor> = {};
  for (const [name, { rowAxis }] of Object.entries(graph.inputs)) {
    const input = inputs[name]!;
    part[name] = rowAxis === "fixed" ? input : rowsAt(input, rowAxis === "tokens" ? tokens : logits);
  }
  if (picks) part[picks.name] = ints(logits.map((r) => place.get(picks.rows[r]!)!));
  const lengths = viewAs(inputs[names.lengths]!, "i32").slice();
  lengths[sequence] = rows.length;
  part[names.lengths] = tensorOf("i32", [lengths.length], lengths);
  return { inputs: part, tokens, logits, indices: indicesOf(names, part), rows };
}

/** The input that says which tokens give logits. */
function logitRowsOf(graph: Graph, inputs: Inputs): { name: string; rows: Int32Array } | undefined {
  const entry = Object.entries(graph.inputs).find(([, value]) =>
    graph.nodes.some(
      ({ op, inputs: [x, index] }) => op === "gather_rows" && index === value && x!.rowAxis === "tokens",
    ),
  );
  return entry && { name: entry[0], rows: viewAs(inputs[entry[0]]!, "i32") };
}

function rowsAt({ spec, data }: HostTensor, rows: readonly number[]): HostTensor {
  const bytes = data.byteLength / spec.shape[0]!;
  const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const to = new Uint8Array(rows.length * bytes);
  rows.forEach((row, i) => to.set(from.subarray(row * bytes, (row + 1) * bytes), i * bytes));
  return { spec: { ...spec, shape: [rows.length, ...spec.shape.slice(1)] }, data: to };
}

const ints = (values: readonly number[]) => tensorOf("i32", [values.length], Int32Array.from(values));
