/** What the parts of a step's graph share: the builder, the spec, the inputs, and weights with their checks. */
import type { GraphBuilder } from "../../graph/builder.js";
import type { Value } from "../../graph/graph.js";
import { add, layerNorm, linear, rmsNorm, scale } from "../../ops/index.js";
import type { WeightSources } from "../../tensor/weights.js";
import type { StepShape } from "../definition.js";
import { matrixWeight, vectorWeight } from "../weights.js";
import type { DecoderSpec } from "./spec.js";
import { declareStepInputs, type StepInputs } from "./step-inputs.js";

export class StepContext {
  readonly graph: GraphBuilder;
  readonly spec: DecoderSpec;
  readonly shape: StepShape;
  readonly inputs: StepInputs;
  readonly #weights: WeightSources;

  constructor(graph: GraphBuilder, spec: DecoderSpec, weights: WeightSources, shape: StepShape) {
    this.graph = graph;
    this.spec = spec;
    this.shape = shape;
    this.#weights = weights;
    this.inputs = declareStepInputs(graph, shape, spec.sizes.hidden, spec.tokenTypes !== undefined);
  }

  hasWeight(name: string): boolean {
    return this.#weights.has(name);
  }

  /** A dense layer `blk.<layer>.<name>`, with its bias if the file has one or the spec asks for it. */
  linear(x: Value, layer: number, name: string, rows: number): Value {
    const path = `blk.${layer}.${name}`;
    const weight = this.matrix(`${path}.weight`, rows, x.spec.shape[1]!);
    const hasBias = this.hasWeight(`${path}.bias`) || this.spec.biases?.includes(name);
    const bias = hasBias ? [this.vector(`${path}.bias`, rows)] : [];
    return this.graph.emitOne(linear, [x, weight, ...bias], {});
  }

  /**
   * @param path of the weight, without ".weight"
   * @param groups into which columns are split, each normalized by itself
   * @param length of the weight: that of a group, shared by all, or all columns
   */
  norm(x: Value, path: string, groups = 1, length = x.spec.shape[1]!): Value {
    const { kind, epsilon } = this.spec.norm;
    const attrs = { epsilon, ...(groups > 1 && { groups }) };
    const weight = this.vector(`${path}.weight`, length);
    if (kind === "rms") return this.graph.emitOne(rmsNorm, [x, weight], attrs);
    const bias = this.hasWeight(`${path}.bias`) ? [this.vector(`${path}.bias`, length)] : [];
    return this.graph.emitOne(layerNorm, [x, weight, ...bias], attrs);
  }

  scale(x: Value, factor = 1): Value {
    return factor === 1 ? x : this.graph.emitOne(scale, [x], { factor });
  }

  add(x: Value, y: Value): Value {
    return this.graph.emitOne(add, [x, y], {});
  }

  matrix(name: string, rows: number, columns: number): Value {
    return matrixWeight(this.graph, this.#weights, name, rows, columns);
  }

  vector(name: string, length: number): Value {
    return vectorWeight(this.graph, this.#weights, name, length);
  }
}
