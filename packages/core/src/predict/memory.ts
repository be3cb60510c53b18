/** How much memory a model takes, by the backend's own plan, and how much there is. */
import type { Backend, GraphSet } from "../backend/backend.js";
import { KV_BLOCK_ROWS, type KvPlan } from "../graph/kv.js";
import type { MemoryPrediction } from "./types.js";

/** Objects of a tokenizer on the JavaScript heap, per token and per merge: texts and their places in maps. Measured in V8. */
const HOST_BYTES_PER_ENTRY = 160;
/** Code, header, and what garbage collection leaves while a model loads and answers: rows of logits above all. Measured in Node. */
const HOST_BYTES = 56e6;

export interface MemoryRequest {
  readonly graphs: GraphSet;
  readonly kv: KvPlan;
  /** Tokens of a conversation. */
  readonly tokens: number;
  readonly conversations: number;
  readonly blocksPerSequence: number;
  /** Tokens and merges of the tokenizer. */
  readonly tokenizerEntries: number;
}

export function predictMemory(backend: Backend, request: MemoryRequest): MemoryPrediction {
  const { graphs, kv, tokens, conversations, blocksPerSequence, tokenizerEntries } = request;
  const { weightBytes, scratchBytes, kvBytes: allBytes } = backend.estimate(graphs, kv);
  const blockBytes = allBytes / kv.maxBlocks;
  const kvBytes = Math.ceil(
    blockBytes * Math.min(kv.maxBlocks, conversations * Math.ceil(tokens / KV_BLOCK_ROWS)),
  );
  const hostBytes = HOST_BYTES + tokenizerEntries * HOST_BYTES_PER_ENTRY;
  return {
    weightBytes,
    kvBytes,
    fullKvBytes: Math.ceil(blockBytes * Math.min(kv.maxBlocks, conversations * blocksPerSequence)),
    scratchBytes,
    hostBytes,
    peakBytes: weightBytes + kvBytes + scratchBytes + hostBytes,
  };
}

/** Bytes that this machine has to give; undefined where nothing says. */
export function freeMemory(): number | undefined {
  const scope: { process?: { availableMemory?: () => number }; navigator?: { deviceMemory?: number } } =
    globalThis as object;
  const free = scope.process?.availableMemory?.();
  if (free !== undefined && free > 0) return free;
  const device = scope.navigator?.deviceMemory; // GiB, at most 8: shared with everything else
  return device === undefined ? undefined : (device * 2 ** 30) / 2;
}
