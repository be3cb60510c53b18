/**
 * A small decoder on a backend: the same tokens must give the same bits in any chunks, alone or among others,
 * and in any blocks of the cache; rows can be copied, read and written back.
 */
import type { Backend, DeviceBuffer, KvDType, KvPlan, LoadedModel, State } from "@millet/core/backend";
import { type Graph, GraphBuilder, type Value } from "@millet/core/graph";
import { decompose } from "@millet/core/lower";
import {
  add,
  attention,
  embedding,
  gatherRows,
  linear,
  rmsNorm,
  SETTINGS_COLUMNS,
  sample,
  swiglu,
} from "@millet/core/ops";
import { type DType, type HostTensor, rowByteLength } from "@millet/core/tensor";
import { CaseBuilder, ints } from "../case.js";
import { frequencies } from "../cases/rope.js";

export const DECODER = { vocabulary: 97, hidden: 64, layers: 2, heads: 4, kvHeads: 2, headDim: 16, ffn: 96 };
const SEQUENCES = 3;
const BLOCKS = 4;
const PROMPT_ROWS = 48;

/** Types of a decoder's weights and of its KV cache. */
export interface DecoderTypes {
  readonly weights: DType;
  readonly kv: KvDType;
}

export const DECODER_KV: Omit<KvPlan, "dtype"> = {
  layers: DECODER.layers,
  kvHeads: DECODER.kvHeads,
  headDim: DECODER.headDim,
  valueDim: DECODER.headDim,
  blockRows: 32,
  maxBlocks: SEQUENCES * BLOCKS,
};

/** A span of one sequence's tokens to run in one call. */
export interface Span {
  readonly sequence: number;
  readonly tokens: readonly number[];
  /** Position of the first token. */
  readonly start: number;
}

/** What a step of the decoder that samples takes besides; one row for each row of the call. */
export interface SamplingInputs {
  readonly history: HostTensor | DeviceBuffer;
  readonly settings: HostTensor;
  /** Stands for the spans' tokens. */
  readonly tokens?: DeviceBuffer;
}

/** Sizes of the decoder's op sample. */
export const SAMPLING = { candidates: 8, history: 4 };

/** The decoder loaded on a backend, with a cache and a table of blocks per sequence. */
export class Decoder {
  readonly state: State;
  readonly #model: LoadedModel;
  readonly #table: readonly number[];

  private constructor(model: LoadedModel, table: readonly number[]) {
    this.#model = model;
    this.#table = table;
    this.state = model.createState();
  }

  /**
   * @param table which cache block holds block b of sequence s: table[s * 4 + b]
   * @param samples whether the graphs end with op sample
   */
  static async load(
    backend: Backend,
    { weights, kv }: DecoderTypes,
    table = defaultTable(),
    samples = false,
  ): Promise<Decoder> {
    const builder = new CaseBuilder(`decoder ${weights}`);
    const step = (name: string, rows: number) =>
      decompose(buildStep(builder, name, rows, weights, samples), (node) => backend.supports(node));
    const graphs = { decode: step("decode", SEQUENCES), prompt: step("prompt", PROMPT_ROWS) };
    const decoder = new Decoder(
      await backend.load(graphs, builder.weights, { ...DECODER_KV, dtype: kv }),
      table,
    );
    await decoder.state.reserve(DECODER_KV.maxBlocks);
    return decoder;
  }

  /** Cache row of a position. */
  row(sequence: number, position: number): number {
    return this.#table[sequence * BLOCKS + (position >> 5)]! * 32 + (position & 31);
  }

  /** Runs spans in one call and returns the logits of every row, row after row. */
  async run(spans: readonly Span[], signal?: AbortSignal): Promise<HostTensor> {
    return this.enqueue(spans, {}, signal).logits!.read();
  }

  /** Queues spans as one call and returns its outputs, with a row for every row. */
  enqueue(
    spans: readonly Span[],
    sampling: Partial<SamplingInputs>,
    signal?: AbortSignal,
  ): Readonly<Record<string, DeviceBuffer>> {
    const rows = spans.flatMap(({ sequence, tokens, start }) =>
      tokens.map((token, i) => ({ token, sequence, position: start + i })),
    );
    const lengths = Array.from({ length: SEQUENCES }, (_, s) =>
      Math.max(0, ...rows.filter((row) => row.sequence === s).map((row) => row.position + 1)),
    );
    const name = rows.length <= SEQUENCES ? "decode" : "prompt";
    return this.#model.executables[name]!.run({
      inputs: {
        tokens: ints(rows.map((row) => row.token)),
        positions: ints(rows.map((row) => row.position)),
        sequences: ints(rows.map((row) => row.sequence)),
        writeRows: ints(rows.map((row) => this.row(row.sequence, row.position))),
        blockTable: ints(this.#table, [SEQUENCES, BLOCKS]),
        lengths: ints(lengths),
        logitRows: ints(rows.map((_, i) => i)),
        ...sampling,
      },
      state: this.state,
      ...(signal && { signal }),
    });
  }

  /** Runs a sequence's tokens in chunks of the given sizes; the bytes of the logits of every position. */
  async runChunked(tokens: readonly number[], chunks: readonly number[], sequence = 0): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let start = 0;
    for (const size of chunks) {
      const logits = await this.run([{ sequence, tokens: tokens.slice(start, start + size), start }]);
      parts.push(logits.data.slice());
      start += size;
    }
    return concat(parts);
  }

  async dispose(): Promise<void> {
    this.state.dispose();
    await this.#model.dispose();
  }
}

/** One of the decoder's graphs, to see whether a backend supports its nodes. */
export function decoderGraph(dtype: DType, samples = false): Graph {
  return buildStep(new CaseBuilder(`decoder ${dtype}`), "decode", SEQUENCES, dtype, samples);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** Bytes of one row of logits. */
export function logitRowBytes(): number {
  return rowByteLength({ dtype: "f32", shape: [DECODER.vocabulary] });
}

function defaultTable(): readonly number[] {
  return Array.from({ length: SEQUENCES * BLOCKS }, (_, i) => i);
}

function buildStep(data: CaseBuilder, name: string, rows: number, dtype: DType, samples: boolean): Graph {
  const { vocabulary, hidden, layers } = DECODER;
  const step = new StepBuilder(data, name, dtype);
  const byToken = (input: string) => step.graph.input(input, { dtype: "i32", shape: [rows] }, "tokens");
  const tokens = byToken("tokens");
  const indices = [
    byToken("positions"),
    byToken("sequences"),
    byToken("writeRows"),
    step.graph.input("blockTable", { dtype: "i32", shape: [SEQUENCES, BLOCKS] }),
    step.graph.input("lengths", { dtype: "i32", shape: [SEQUENCES] }),
  ];
  const logitRows = step.graph.input("logitRows", { dtype: "i32", shape: [rows] }, "logits");
  const table = step.weight("embedding", [vocabulary, hidden], 1);
  let x = step.graph.emitOne(embedding, [table, tokens], { scale: 1 });
  for (let layer = 0; layer < layers; layer++) x = step.layer(x, indices, layer);
  const wanted = step.graph.emitOne(gatherRows, [x, logitRows], {});
  const logits = step.graph.emitOne(linear, [step.norm(wanted, "norm"), table], {});
  return step.graph.finish({ logits, ...(samples && step.sample(logits)) });
}

/** Emits the parts of a decoder layer; both graphs share the weights of one case builder. */
class StepBuilder {
  readonly graph: GraphBuilder;
  readonly #data: CaseBuilder;
  readonly #dtype: DType;

  constructor(data: CaseBuilder, name: string, dtype: DType) {
    this.graph = new GraphBuilder(name);
    this.#data = data;
    this.#dtype = dtype;
  }

  weight(name: string, shape: readonly number[], scale: number, dtype = this.#dtype, mean = 0): Value {
    if (!this.#data.weights.has(name)) this.#data.weight(name, dtype, shape, scale, mean);
    return this.graph.weight(name, { dtype, shape });
  }

  norm(x: Value, name: string): Value {
    const weight = this.weight(name, [DECODER.hidden], 0.2, "f32", 1);
    return this.graph.emitOne(rmsNorm, [x, weight], { epsilon: 1e-5 });
  }

  /** The outputs of op sample. */
  sample(logits: Value): Record<string, Value> {
    const rows = logits.spec.shape[0]!;
    const recent = this.graph.input("history", { dtype: "i32", shape: [rows, SAMPLING.history] }, "logits");
    const columns = SETTINGS_COLUMNS.length;
    const settings = this.graph.input("settings", { dtype: "f32", shape: [rows, columns] }, "logits");
    const { candidates } = SAMPLING;
    const [token, history, packed] = this.graph.emit(sample, [logits, recent, settings], { candidates });
    return { token: token!, history: history!, candidates: packed! };
  }

  layer(x: Value, indices: readonly Value[], layer: number): Value {
    const { hidden, heads, kvHeads, headDim, ffn } = DECODER;
    const dense = (input: Value, name: string, outer: number, inner: number) =>
      this.graph.emitOne(linear, [input, this.weight(`${layer}.${name}`, [outer, inner], inner ** -0.5)], {});
    const h = this.norm(x, `${layer}.attention-norm`);
    const qkv = [
      dense(h, "q", heads * headDim, hidden),
      dense(h, "k", kvHeads * headDim, hidden),
      dense(h, "v", kvHeads * headDim, hidden),
    ];
    const mixed = this.graph.emitOne(attention, [...qkv, ...indices], {
      layer,
      heads,
      kvHeads,
      headDim,
      valueDim: headDim,
      scale: headDim ** -0.5,
      causal: true,
      rope: { inverseFrequencies: frequencies(headDim), interleaved: true, magnitude: 1 },
    });
    const y = this.graph.emitOne(add, [x, dense(mixed, "o", hidden, heads * headDim)], {});
    const g = this.norm(y, `${layer}.ffn-norm`);
    const gated = this.graph.emitOne(
      swiglu,
      [dense(g, "gate", ffn, hidden), dense(g, "up", ffn, hidden)],
      {},
    );
    return this.graph.emitOne(add, [y, dense(gated, "down", hidden, ffn)], {});
  }
}
