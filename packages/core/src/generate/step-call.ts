/** Builds the inputs of one step call: which token goes where in the KV cache, and which rows give logits. */

import { SETTINGS_COLUMNS } from "../sampling/settings.js";
import { type HostTensor, tensorOf } from "../tensor/tensor.js";
import { historyRow, requestRow, type SamplingRequest, type SamplingShape } from "./device-sampling.js";
import type { KvCache } from "./kv-cache.js";
import type { Sequence } from "./sequence.js";

/** Rows of one sequence in a call; the sequence has room for them. */
export interface CallPart {
  readonly sequence: Sequence;
  readonly tokens: readonly number[];
  /** How many of the last rows give logits. */
  readonly logits: number;
  /** Rows after the end of the sequence's log that calls before this one fill. */
  readonly offset?: number;
  /** How the token after the last row is chosen; then that row alone gives logits. */
  readonly request?: SamplingRequest | undefined;
  /** How many tokens after the request's own the one is that this call chooses. */
  readonly ahead?: number;
}

/**
 * The inputs that ModelDefinition.step declares, with as many rows as the parts have.
 * @param sequences rows of the block table, S
 * @param blocksPerSequence columns of the block table, B
 */
export function stepInputs(
  parts: readonly CallPart[],
  cache: KvCache,
  sequences: number,
  blocksPerSequence: number,
): Record<string, HostTensor> {
  const tokens: number[] = [];
  const positions: number[] = [];
  const owners: number[] = [];
  const writeRows: number[] = [];
  const logitRows: number[] = [];
  const blockTable = new Int32Array(sequences * blocksPerSequence);
  const lengths = new Int32Array(sequences);
  parts.forEach(({ sequence, tokens: added, logits, offset = 0 }, s) => {
    const cached = sequence.tokens.length + offset;
    added.forEach((token, i) => {
      if (i >= added.length - logits) logitRows.push(tokens.length);
      tokens.push(token);
      positions.push(cached + i);
      owners.push(s);
      writeRows.push(cache.row(sequence, cached + i));
    });
    lengths[s] = cached + added.length;
    const blocks = Math.ceil((cached + added.length) / cache.blockRows);
    blockTable.set(sequence.blocks.slice(0, blocks), s * blocksPerSequence);
  });
  return {
    tokens: indices(tokens),
    positions: indices(positions),
    sequences: indices(owners),
    writeRows: indices(writeRows),
    blockTable: tensorOf("i32", [sequences, blocksPerSequence], blockTable),
    lengths: tensorOf("i32", [sequences], lengths),
    logitRows: indices(logitRows),
  };
}

/** The inputs that a step that samples has besides: a row for each row that gives logits. */
export function samplingInputs(
  parts: readonly CallPart[],
  shape: SamplingShape,
): Readonly<Record<string, HostTensor>> {
  const rows = parts.flatMap(({ logits, request, ahead }) =>
    Array.from({ length: logits }, () => ({ request, ahead })),
  );
  const history = new Int32Array(rows.length * shape.history);
  rows.forEach(({ request }, r) => history.set(historyRow(request, shape), r * shape.history));
  const settings = rows.flatMap(({ request, ahead }) => requestRow(request, ahead));
  return {
    history: tensorOf("i32", [rows.length, shape.history], history),
    settings: tensorOf("f32", [rows.length, SETTINGS_COLUMNS.length], settings),
  };
}

function indices(values: readonly number[]): HostTensor {
  return tensorOf("i32", [values.length], Int32Array.from(values));
}
