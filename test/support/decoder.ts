/** A model on any backend, token by token or in chunks: logits of every row. */
import type { Backend, LoadedModel, State } from "@millet/core/backend";
import { KV_BLOCK_ROWS } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import type { Graph } from "@millet/core/graph";
import { decompose } from "@millet/core/lower";
import { defineModel, type ModelFiles } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { tensorOf, viewAs } from "@millet/core/tensor";

export interface LoadedDecoder {
  readonly model: LoadedModel;
  readonly state: State;
  readonly vocabularySize: number;
  /** Logits of the tokens that stand at `start` and after. */
  run(tokens: readonly number[], start: number, signal?: AbortSignal): Promise<Float32Array[]>;
  dispose(): Promise<void>;
}

/** @param most tokens that one call may take */
export async function loadDecoder(
  backend: Backend,
  file: URL,
  most: number,
  contextTokens: number,
): Promise<LoadedDecoder> {
  const gguf = await openGguf(await openSource(file));
  return decoderOf(backend, gguf, most, contextTokens).finally(() => gguf.close());
}

/** The same for a model that is open already. */
export async function decoderOf(
  backend: Backend,
  files: ModelFiles,
  most: number,
  contextTokens: number,
): Promise<LoadedDecoder> {
  const definition = await defineModel(files);
  const blocks = Math.ceil(contextTokens / KV_BLOCK_ROWS);
  const shape = { tokens: most, logits: most, sequences: 1, blocksPerSequence: blocks, contextTokens };
  const graph = supported(definition.step({ name: "step", ...shape }), backend);
  const kv = { ...definition.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
  const model = await backend.load({ step: graph }, definition.weights, kv);
  const state = model.createState();
  await state.reserve(blocks);
  const { vocabularySize } = definition;
  const run = async (tokens: readonly number[], start: number, signal?: AbortSignal) => {
    const inputs = stepInputsOf(tokens, start, blocks);
    const { logits } = model.executables.step!.run({ inputs, state, ...(signal && { signal }) });
    return rowsOf(viewAs(await logits!.read(), "f32"), vocabularySize);
  };
  return { model, state, vocabularySize, run, dispose: () => model.dispose() };
}

/** A graph as a backend is given it: what it lacks is decomposed. */
export function supported(graph: Graph, backend: Backend): Graph {
  return decompose(graph, (node) => backend.supports(node));
}

/** Inputs of a step of one sequence whose blocks lie in order: tokens that stand at `start` and after, logits of each. */
export function stepInputsOf(tokens: readonly number[], start: number, blocks: number) {
  const rows = tokens.map((_, i) => start + i);
  return {
    tokens: ints(tokens),
    positions: ints(rows),
    sequences: ints(rows.map(() => 0)),
    writeRows: ints(rows),
    blockTable: ints([...Array(blocks).keys()], [1, blocks]),
    lengths: ints([start + tokens.length]),
    logitRows: ints([...tokens.keys()]),
  };
}

export function rowsOf(values: Float32Array, columns: number): Float32Array[] {
  return Array.from({ length: values.length / columns }, (_, i) =>
    values.slice(i * columns, (i + 1) * columns),
  );
}

function ints(values: readonly number[], shape: readonly number[] = [values.length]) {
  return tensorOf("i32", shape, Int32Array.from(values));
}

export function argmax(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}
