/**
 * Decode steps of a model at a short and at a long context, in turns, so that a disturbance of the machine meets both: is the
 * time per token bounded by the bytes that it reads? The cache is filled with made-up rows, not with a prompt's.
 */
import {
  type BackendFactory,
  KV_BLOCK_ROWS,
  type KvDType,
  type KvPlan,
  type State,
} from "@millet/core/backend";
import { openGguf } from "@millet/core/formats/gguf";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { tensorOf } from "@millet/core/tensor";
import { Random } from "../../../test/support/random.js";
import { kvBlockBytes } from "../src/lower/kv-layout.js";

export const [SHORT, LONG] = [128, 4096];
/** What the time may exceed the bytes by. */
const ALLOWANCE = 1.2;
const WARM_UP = 8;

export interface LongContextResult {
  /** Milliseconds of the quickest token at each context: the one that nobody disturbed. */
  readonly shortMs: number;
  readonly longMs: number;
  readonly ratio: number;
  /** 1.2 x (weights + cache at 4,096) / (weights + cache at 128). */
  readonly limit: number;
}

export async function measureLongContext(
  factory: BackendFactory,
  model: string | URL,
  dtype: KvDType,
  pairs: number,
): Promise<LongContextResult> {
  const file = await openGguf(await openSource(model));
  const definition = await defineModel(file);
  const maxBlocks = LONG / KV_BLOCK_ROWS;
  const step = { name: "decode", tokens: 1, logits: 1, sequences: 1, blocksPerSequence: maxBlocks };
  const kv: KvPlan = { ...definition.kv, dtype, blockRows: KV_BLOCK_ROWS, maxBlocks };
  const backend = await factory.create();
  try {
    const loaded = await backend.load({ decode: definition.step(step) }, definition.weights, kv);
    const state = loaded.createState();
    await fill(state);
    const ints = (list: readonly number[], shape: readonly number[] = [list.length]) =>
      tensorOf("i32", shape, Int32Array.from(list));
    const blockTable = ints([...Array(maxBlocks).keys()], [1, maxBlocks]);
    const time = async (context: number, token: number) => {
      const [tokens, row] = [ints([token]), ints([context - 1])];
      const zero = ints([0]);
      const rows = { positions: row, writeRows: row, sequences: zero, logitRows: zero };
      const inputs = { tokens, ...rows, blockTable, lengths: ints([context]) };
      const from = performance.now();
      await loaded.executables.decode!.run({ inputs, state }).logits!.read();
      return performance.now() - from;
    };
    const [short, long]: [number[], number[]] = [[], []];
    for (let i = -WARM_UP; i < pairs; i++) {
      const times = [await time(SHORT, i + 100), await time(LONG, i + 100)] as const;
      if (i < 0) continue;
      short.push(times[0]);
      long.push(times[1]);
    }
    const blockBytes = kvBlockBytes(kv) / KV_BLOCK_ROWS;
    const bytes = (context: number) => loaded.byteLength + blockBytes * context;
    const [shortMs, longMs] = [Math.min(...short), Math.min(...long)];
    const limit = (ALLOWANCE * bytes(LONG)) / bytes(SHORT);
    return { shortMs, longMs, ratio: longMs / shortMs, limit };
  } finally {
    await backend.dispose();
    await file.close();
  }
}

/** Rows as a model's are: keys of a few units, smaller values. */
async function fill(state: State): Promise<void> {
  const { layers, kvHeads, headDim, valueDim, maxBlocks } = state.plan;
  await state.reserve(maxBlocks);
  const rows = KV_BLOCK_ROWS;
  const random = new Random(1);
  const keys = random.normals(layers * rows * kvHeads * headDim, 2);
  const values = random.normals(layers * rows * kvHeads * valueDim, 0.3);
  for (let block = 0; block < maxBlocks; block++) {
    const positions = Int32Array.from({ length: rows }, (_, i) => block * rows + i);
    await state.write(block * rows, { rows, positions, keys, values });
  }
}
