/** What emitters of ops share: the builder, names of values, and the list of feeds that grows as they ask for them. */

import { MilletError } from "@millet/core/errors";
import type { Graph, Node, Value } from "@millet/core/graph";
import { type RopeAttrs, sameRotation } from "@millet/core/ops";
import type { WeightSource, WeightSources } from "@millet/core/tensor";
import { OnnxBuilder } from "./builder.js";
import type { CacheFeed, CacheIndices, EmbeddingFeed, Feeds, MaskFeed, RotationFeed } from "./feeds.js";
import { floatTensor } from "./weights.js";

export interface EmitOptions {
  /**
   * MatMulNBits' accuracy_level: 0 computes in float32, 4 rounds activations to 8 bits in blocks, which is faster.
   */
  readonly accuracyLevel: 0 | 4;
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
  readonly #direct: Record<string, "float32" | "int32"> = {};
  #indices: CacheIndices | undefined;

  constructor(graph: Graph, weights: WeightSources, options: EmitOptions) {
    this.builder = new OnnxBuilder(graph.name);
    this.options = options;
    this.#graph = graph;
    this.#weights = weights;
  }

  get feeds(): Feeds {
    return {
      embeddings: this.#embeddings,
      rotations: this.#rotations,
      masks: this.#masks,
      caches: this.#caches,
      indices: this.#indices,
      direct: this.#direct,
    };
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

  setOutputs(node: Node, names: readonly string[]): void {
    node.outputs.forEach((value, i) => this.#names.set(value, names[i]!));
  }

  /** A value's shape with the rows of a call as a dynamic dimension. */
  shape(value: Value): (number | string)[] {
    const [rows, ...rest] = value.spec.shape;
    return [value.rowAxis === "fixed" ? rows! : ROW_DIMENSION[value.rowAxis], ...rest];
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
  rotation(rope: RopeAttrs, positions: Value): RotationFeed {
    const from = this.inputName(positions);
    const known = this.#rotations.find((feed) => feed.positions === from && sameRotation(feed.rope, rope));
    if (known) return known;
    const index = this.#rotations.length;
    const feed = { cos: `cos.${index}`, sin: `sin.${index}`, rope, positions: from };
    const shape = [this.shape(positions)[0]!, rope.inverseFrequencies.length];
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
    return this.builder.input(name, "float32", [ROW_DIMENSION.tokens, "keys"]);
  }

  /** The cache of a layer; `indices` in the order of attention's operands. */
  cache(layer: number, keyColumns: number, valueColumns: number, indices: readonly Value[]): CacheFeed {
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
}
