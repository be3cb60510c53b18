/** What a session is given for one step: the graph's inputs, padded where the graph is static, and what JavaScript makes. */
import type { Value } from "@millet/core/graph";
import { viewAs } from "@millet/core/tensor";
import type { EmittedGraph } from "../emit/emit.js";
import type { EmbeddingFeed, RotationFeed } from "../emit/feeds.js";
import type { OrtLike, OrtTensor } from "../runtime/ort.js";
import type { OnnxState } from "./cache.js";
import type { EmbeddingTable } from "./embedding-table.js";
import type { KvBuffer } from "./kv-buffer.js";
import { type RotationTable, type RotationTables, rotationTable } from "./rotation-tables.js";
import type { Step } from "./steps.js";
import { visibilityOf } from "./visibility.js";

export interface FeedSources {
  readonly ort: OrtLike;
  readonly embeddings: ReadonlyMap<string, EmbeddingTable>;
  readonly rotations: RotationTables;
}

export class StepFeeds {
  readonly feeds: Record<string, OrtTensor> = {};
  /** Outputs that are written in place. */
  readonly fetches: Record<string, OrtTensor> = {};
  readonly #emitted: EmittedGraph;
  readonly #step: Step;
  readonly #sources: FeedSources;
  /** Rows of the tensors that count tokens. */
  readonly #tokens: number;

  constructor(
    emitted: EmittedGraph,
    step: Step,
    sources: FeedSources,
    inputs: Readonly<Record<string, Value>>,
  ) {
    this.#emitted = emitted;
    this.#step = step;
    this.#sources = sources;
    this.#tokens = emitted.rows ?? step.tokens.length;
    this.#addDirect(inputs);
    for (const feed of emitted.feeds.embeddings) this.#addEmbedding(feed);
    for (const feed of emitted.feeds.rotations) this.#addRotation(feed);
  }

  /** Cached rows before the step's, in GroupQueryAttention's count. */
  get #past(): number {
    return this.#step.rows.length - this.#step.tokens.length;
  }

  /** Rows of a grouped buffer that the step may write to: the cached ones, its own and the padding. */
  get total(): number {
    return this.#past + this.#tokens;
  }

  #floats(name: string, data: Float32Array, columns: number): void {
    this.feeds[name] = new this.#sources.ort.Tensor("float32", data, [data.length / columns, columns]);
  }

  #addDirect(values: Readonly<Record<string, Value>>): void {
    const { Tensor } = this.#sources.ort;
    for (const [name, dtype] of Object.entries(this.#emitted.feeds.direct)) {
      const input = this.#step.inputs[name]!;
      const [rows, ...rest] = input.spec.shape;
      const count = values[name]!.rowAxis === "tokens" ? this.#tokens : rows!;
      const columns = rest.reduce((product, size) => product * size, 1);
      const dims = [count, ...rest];
      this.feeds[name] =
        dtype === "int32"
          ? new Tensor("int32", padded(viewAs(input, "i32"), count * columns, Int32Array), dims)
          : new Tensor("float32", padded(viewAs(input, "f32"), count * columns, Float32Array), dims);
    }
  }

  #indices(name: string): Int32Array {
    return viewAs(this.#step.inputs[name]!, "i32");
  }

  #addEmbedding({ name, weight, tokens, scale }: EmbeddingFeed): void {
    const table = this.#sources.embeddings.get(weight)!;
    const ids = padded(this.#indices(tokens), this.#tokens, Int32Array);
    this.#floats(name, table.rows(ids, scale), table.columns);
  }

  #addRotation(feed: RotationFeed): void {
    const { cos, sin } = this.#rotation(feed);
    this.feeds[feed.cos] = cos;
    this.feeds[feed.sin] = sin;
  }

  #rotation({ rows, rope, positions }: RotationFeed): RotationTable {
    const { ort, rotations } = this.#sources;
    const given = this.#indices(positions);
    if (rows === "tokens") return rotationTable(rope, padded(given, this.#tokens, Int32Array), ort.Tensor);
    const past = this.#past;
    if (given.every((position, t) => position === past + t))
      return rotations.of(rope, this.total, ort.Tensor);
    const places = new Int32Array(this.total);
    places.set(given, past);
    return rotationTable(rope, places, ort.Tensor);
  }

  /** Caches of layers with general attention, gathered. */
  addGeneral(state: OnnxState): void {
    const { masks, caches } = this.#emitted.feeds;
    const { indices } = this.#step;
    if (!indices || caches.length === 0) return;
    const { past, mask } = visibilityOf(indices, state.plan.blockRows, state.positions, this.#tokens);
    for (const feed of masks) this.#floats(feed.name, mask(feed), past.length + this.#tokens);
    for (const { layer, pastKeys, pastValues } of caches) {
      for (const [name, rows] of [
        [pastKeys, state.buffer.keys],
        [pastValues, state.buffer.values],
      ] as const) {
        const columns = rows.heads * rows.size;
        const data = new Float32Array(past.length * columns);
        past.forEach((row, i) => {
          rows.readRows(layer, row, 1, data.subarray(i * columns, (i + 1) * columns));
        });
        this.feeds[name] = new this.#sources.ort.Tensor("float32", data, [past.length, columns]);
      }
    }
  }

  /** Caches of layers with grouped attention: a buffer that holds the sequence's rows in order. */
  addGrouped(buffer: KvBuffer): void {
    const { Tensor } = this.#sources.ort;
    const { grouped, length } = this.#emitted.feeds;
    if (length) {
      this.feeds[length.total] = new Tensor("int32", Int32Array.of(this.total), [1]);
      this.feeds[length.last] = new Tensor("int32", Int32Array.of(this.total - 1), [1]);
    }
    for (const { layer, pastKeys, pastValues, presentKeys, presentValues } of grouped) {
      const [keys, values] = [buffer.keys.tensor(layer, Tensor), buffer.values.tensor(layer, Tensor)];
      Object.assign(this.feeds, { [pastKeys]: keys, [pastValues]: values });
      Object.assign(this.fetches, { [presentKeys]: keys, [presentValues]: values });
    }
  }
}

/** The values, with zeros behind them. */
function padded<A extends Int32Array | Float32Array>(
  values: A,
  length: number,
  Kind: new (length: number) => A,
): A {
  if (values.length === length) return values;
  const result = new Kind(length);
  result.set(values);
  return result;
}
