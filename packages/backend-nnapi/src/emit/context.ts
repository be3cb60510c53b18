/** What emitters of ops share: the builder, names of values, and the list of feeds that grows as they ask for them. */

import { MilletError } from "@millet/core/errors";
import type { Graph, Node, Value } from "@millet/core/graph";
import { type AttentionAttrs, type RopeAttrs, sameRotation } from "@millet/core/ops";
import type { WeightSource, WeightSources } from "@millet/core/tensor";
import { OnnxBuilder } from "./builder.js";
import type {
  CacheFeed,
  CacheIndices,
  EmbeddingFeed,
  Feeds,
  GroupedCacheFeed,
  LengthFeed,
  MaskFeed,
  RotationFeed,
} from "./feeds.js";
import { Folding } from "./quantized/folding.js";
import type { QuantizationPlan } from "./quantized/plan.js";
import { floatTensor } from "./weights.js";

export interface EmitOptions {
  /**
   * MatMulNBits' accuracy_level: 0 computes in float32, 4 rounds activations to 8 bits in blocks, which is faster.
   */
  readonly accuracyLevel: 0 | 4;
  /** Tokens of every call, which pads them: a graph without dynamic tokens. Any number unless given. */
  readonly rows?: number | undefined;
  /**
   * "grouped": com.microsoft.GroupQueryAttention (ONNX Runtime 1.23 and later) over a cache that it updates in place, for
   * one sequence a call; layers that it cannot express are "general", which is MatMul and Softmax. Default "general".
   */
  readonly attention?: "general" | "grouped" | undefined;
  /** Dense layers in integers, as planQuantization() found. Default: none. */
  readonly quantization?: QuantizationPlan | undefined;
}

/** Dimensions that differ from call to call, by the axis that they count. */
export const ROW_DIMENSION = { tokens: "tokens", logits: "logits" } as const;

export class EmitContext {
  readonly builder: OnnxBuilder;
  readonly options: EmitOptions;
  readonly #graph: Graph;
  readonly #weights: WeightSources;
  readonly #names = new Map<Value, string>();
  readonly #embeddings: EmbeddingFeed[] = [];
  readonly #rotations: RotationFeed[] = [];
  readonly #masks: MaskFeed[] = [];
  readonly #caches: CacheFeed[] = [];
  readonly #grouped: GroupedCacheFeed[] = [];
  readonly #notes = new Set<string>();
  readonly #folding: Folding | undefined;
  readonly #divided = new Map<Value, string>();
  #length: LengthFeed | undefined;
  readonly #direct: Record<string, "float32" | "int32"> = {};
  #indices: CacheIndices | undefined;

  constructor(graph: Graph, weights: WeightSources, options: EmitOptions) {
    this.builder = new OnnxBuilder(graph.name);
    this.options = options;
    this.#graph = graph;
    this.#weights = weights;
    this.#folding = options.quantization && new Folding(graph, options.quantization);
  }

  get feeds(): Feeds {
    return {
      embeddings: this.#embeddings,
      rotations: this.#rotations,
      masks: this.#masks,
      caches: this.#caches,
      grouped: this.#grouped,
      length: this.#length,
      indices: this.#indices,
      direct: this.#direct,
    };
  }

  /** Why something was emitted otherwise than the options ask; full sentences. */
  get notes(): readonly string[] {
    return [...this.#notes];
  }

  note(sentence: string): void {
    this.#notes.add(sentence);
  }

  /** The ONNX name of a value. The graph's inputs appear when they are asked for, since few of them enter the ONNX graph. */
  name(value: Value): string {
    const known = this.#names.get(value);
    if (known !== undefined) return known;
    if (value.kind === "weight") return this.builder.constant(floatTensor(value.name, this.source(value)));
    if (value.kind !== "input") {
      throw new MilletError("GRAPH_INVALID", `Value "${value.name}" is used before it is made.`);
    }
    const dtype = value.spec.dtype === "i32" ? "int32" : "float32";
    const name = this.inputName(value);
    this.#direct[name] = dtype;
    this.#names.set(value, this.builder.input(name, dtype, this.shape(value)));
    return name;
  }

  /** The name under which a call passes a value that must be an input of the graph. */
  inputName(value: Value): string {
    const entry = Object.entries(this.#graph.inputs).find(([, input]) => input === value);
    if (entry) return entry[0];
    throw new MilletError(
      "GRAPH_UNSUPPORTED_OP",
      `Value "${value.name}" holds indices that the graph computes; ONNX graphs are made for indices that are inputs.`,
    );
  }

  /** What a value must be divided by, column by column, where it is made. */
  divisors(value: Value): Float32Array | undefined {
    return this.#folding?.of(value);
  }

  /** The name of a value whose columns are divided by `divisors`, wherever that is done. */
  divided(value: Value, divisors: Float32Array): string {
    if (this.divisors(value)) return this.name(value);
    const known = this.#divided.get(value);
    if (known !== undefined) return known;
    const factors = this.builder.floatVector(
      `${this.name(value)}.factors`,
      divisors.map((x) => 1 / x),
    );
    const product = this.builder.node("Mul", [this.name(value), factors]);
    this.#divided.set(value, product);
    return product;
  }

  setOutputs(node: Node, names: readonly string[]): void {
    node.outputs.forEach((value, i) => this.#names.set(value, names[i]!));
  }

  /** The dimension that counts a call's tokens. */
  get tokens(): number | string {
    return this.options.rows ?? ROW_DIMENSION.tokens;
  }

  /** A value's shape, where the rows of a call are a dynamic dimension unless the options fix them. */
  shape(value: Value): (number | string)[] {
    const [rows, ...rest] = value.spec.shape;
    switch (value.rowAxis) {
      case "fixed":
        return [rows!, ...rest];
      case "tokens":
        return [this.tokens, ...rest];
      case "logits":
        return [ROW_DIMENSION.logits, ...rest];
      default:
        return value.rowAxis satisfies never;
    }
  }

  /** @throws MilletError MODEL_TENSOR_MISSING */
  source(weight: Value): WeightSource {
    const source = this.#weights.get(weight.name);
    if (source) return source;
    throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${weight.name}".`);
  }

  embedding(weight: Value, tokens: Value, scale: number, hidden: number): string {
    const name = `embedding.${this.#embeddings.length}`;
    this.#embeddings.push({ name, weight: weight.name, tokens: this.inputName(tokens), scale });
    return this.builder.input(name, "float32", [this.shape(tokens)[0]!, hidden]);
  }

  /** One pair of tables for all heads that are rotated alike. */
  rotation(rope: RopeAttrs, positions: Value, rows: RotationFeed["rows"]): RotationFeed {
    const from = this.inputName(positions);
    const known = this.#rotations.find(
      (feed) => feed.rows === rows && feed.positions === from && sameRotation(feed.rope, rope),
    );
    if (known) return known;
    const index = this.#rotations.length;
    const feed = { rows, cos: `cos.${index}`, sin: `sin.${index}`, rope, positions: from };
    const count = rows === "tokens" ? this.shape(positions)[0]! : `${feed.cos}.rows`;
    const shape = [count, rope.inverseFrequencies.length];
    this.builder.input(feed.cos, "float32", shape);
    this.builder.input(feed.sin, "float32", shape);
    this.#rotations.push(feed);
    return feed;
  }

  mask(causal: boolean, window: number | undefined): string {
    const known = this.#masks.find((feed) => feed.causal === causal && feed.window === window);
    if (known) return known.name;
    const name = `mask.${this.#masks.length}`;
    this.#masks.push({ name, causal, window });
    return this.builder.input(name, "float32", [this.tokens, "keys"]);
  }

  /** Notes the index inputs of attention, which all layers share; `indices` in the order of its operands. */
  #noteIndices(indices: readonly Value[]): void {
    const [positions, sequences, writeRows, blockTable, lengths] = indices.map((value) =>
      this.inputName(value),
    );
    this.#indices ??= {
      positions: positions!,
      sequences: sequences!,
      writeRows: writeRows!,
      blockTable: blockTable!,
      lengths: lengths!,
    };
  }

  /** The cache of a layer as rows of all heads. */
  cache(layer: number, keyColumns: number, valueColumns: number, indices: readonly Value[]): CacheFeed {
    this.#noteIndices(indices);
    const feed = {
      layer,
      pastKeys: `past.${layer}.keys`,
      pastValues: `past.${layer}.values`,
      newKeys: `new.${layer}.keys`,
      newValues: `new.${layer}.values`,
    };
    this.builder.input(feed.pastKeys, "float32", ["past", keyColumns]);
    this.builder.input(feed.pastValues, "float32", ["past", valueColumns]);
    this.#caches.push(feed);
    return feed;
  }

  /** The cache of a layer as heads of rows, updated in place. */
  groupedCache(
    { layer, kvHeads, headDim, window }: AttentionAttrs,
    indices: readonly Value[],
  ): GroupedCacheFeed {
    this.#noteIndices(indices);
    const feed = {
      layer,
      pastKeys: `past.${layer}.keys`,
      pastValues: `past.${layer}.values`,
      presentKeys: `present.${layer}.keys`,
      presentValues: `present.${layer}.values`,
      window,
    };
    const shape = [1, kvHeads, "capacity", headDim];
    for (const name of [feed.pastKeys, feed.pastValues]) this.builder.input(name, "float32", shape);
    for (const name of [feed.presentKeys, feed.presentValues]) this.builder.directOutput(name, shape);
    this.#grouped.push(feed);
    return feed;
  }

  /** The lengths that layers with a grouped cache share. */
  length(): LengthFeed {
    if (!this.#length) {
      this.#length = { total: "total", last: "last" };
      for (const name of Object.values(this.#length)) this.builder.input(name, "int32", [1]);
    }
    return this.#length;
  }
}
