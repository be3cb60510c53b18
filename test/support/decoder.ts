/** A model on any backend, token by token or in chunks: logits of every row. */
import type { Backend, LoadedModel, State } from "@millet/core/backend";
import { KV_BLOCK_ROWS } from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
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
  const graph = definition.step({ name: "step", ...shape });
  const kv = { ...definition.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
  const model = await backend.load({ step: graph }, definition.weights, kv);
  const state = model.createState();
  await state.reserve(blocks);
  const { vocabularySize } = definition;
  const blockTable = ints([...Array(blocks).keys()], [1, blocks]);
  const run = async (tokens: readonly number[], start: number, signal?: AbortSignal) => {
    const rows = tokens.map((_, i) => start + i);
    const inputs = {
      tokens: ints(tokens),
      positions: ints(rows),
      sequences: ints(rows.map(() => 0)),
      writeRows: ints(rows),
      blockTable,
      lengths: ints([start + tokens.length]),
      logitRows: ints([...tokens.keys()]),
    };
    const { logits } = model.executables.step!.run({ inputs, state, ...(signal && { signal }) });
    const values = viewAs(await logits!.read(), "f32");
    return rows.map((_, i) => values.slice(i * vocabularySize, (i + 1) * vocabularySize));
  };
  return { model, state, vocabularySize, run, dispose: () => model.dispose() };
}

function ints(values: readonly number[], shape: readonly number[] = [values.length]) {
  return tensorOf("i32", shape, Int32Array.from(values));
}

export function argmax(row: Float32Array): number {
  return row.reduce((best, value, i) => (value > row[best]! ? i : best), 0);
}
