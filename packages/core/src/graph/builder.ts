/**
 * Builds a Graph node by node, inferring shapes as it goes. It takes ops as values and so knows none by name.
 */
import { MilletError } from "../errors.js";
import { formatSpec, sameSpec, type TensorSpec } from "../tensor/tensor.js";
import type { Graph, Node, RowAxis, Value } from "./graph.js";
import type { NodeEmitter, OpDef } from "./op.js";
import { printGraph } from "./print.js";

export class GraphBuilder implements NodeEmitter {
  readonly #name: string;
  readonly #inputs: Record<string, Value> = {};
  readonly #weights: Record<string, Value> = {};
  readonly #nodes: Node[] = [];
  readonly #known = new Set<Value>();
  #nextValue = 0;

  constructor(name: string) {
    this.#name = name;
  }

  /** A value that each call supplies. */
  input(name: string, spec: TensorSpec, rowAxis: RowAxis = "fixed"): Value {
    if (Object.hasOwn(this.#inputs, name)) throw this.#invalid(`input "${name}" exists already`);
    return (this.#inputs[name] = this.#value(name, "input", spec, rowAxis));
  }

  /** A weight by its name in the weight sources; asking for one twice gives the same value. */
  weight(name: string, spec: TensorSpec): Value {
    const existing = this.#weights[name];
    if (existing === undefined) return (this.#weights[name] = this.#value(name, "weight", spec, "fixed"));
    if (!sameSpec(existing.spec, spec)) {
      throw this.#invalid(`weight "${name}" is ${formatSpec(existing.spec)} and ${formatSpec(spec)}`);
    }
    return existing;
  }

  /**
   * Appends a node and returns its outputs.
   * @throws MilletError GRAPH_INVALID if an input is of another graph or does not fit the op
   */
  emit<Op extends string, Attrs>(
    def: OpDef<Op, Attrs>,
    inputs: readonly Value[],
    attrs: Attrs,
  ): readonly Value[] {
    const foreign = inputs.find((value) => !this.#known.has(value));
    if (foreign) throw this.#invalid(`${def.op} uses ${foreign.name}, a value of another graph`);
    const specs = def.infer(
      inputs.map((value) => value.spec),
      attrs,
    );
    const rowAxis = inputs[def.rowsFrom ?? 0]?.rowAxis ?? "fixed";
    const outputs = specs.map((spec) => this.#value(`%${this.#nextValue}`, "result", spec, rowAxis));
    this.#nodes.push({ id: this.#nodes.length, op: def.op, attrs, inputs, outputs });
    return outputs;
  }

  /** {@link emit} for an op with exactly one output. */
  emitOne<Op extends string, Attrs>(def: OpDef<Op, Attrs>, inputs: readonly Value[], attrs: Attrs): Value {
    const [output, ...more] = this.emit(def, inputs, attrs);
    if (output === undefined || more.length > 0) throw this.#invalid(`${def.op} does not have one output`);
    return output;
  }

  /** Ends building. The builder must not be used afterwards. */
  finish(outputs: Readonly<Record<string, Value>>): Graph {
    const graph: Graph = {
      name: this.#name,
      inputs: this.#inputs,
      weights: this.#weights,
      nodes: this.#nodes,
      outputs,
      toString: () => printGraph(graph),
    };
    return Object.freeze(graph);
  }

  #value(name: string, kind: Value["kind"], spec: TensorSpec, rowAxis: RowAxis): Value {
    const value: Value = Object.freeze({ id: this.#nextValue++, name, kind, spec, rowAxis });
    this.#known.add(value);
    return value;
  }

  #invalid(what: string): MilletError {
    return new MilletError("GRAPH_INVALID", `Graph "${this.#name}": ${what}.`);
  }
}
