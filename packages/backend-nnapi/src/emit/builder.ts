/** Builds an ONNX graph node by node: unique names, constants once, types of inputs and outputs. */
import type { OnnxAttribute, OnnxDType, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../onnx/model.js";

/** The standard's operators as of ONNX 1.14; ONNX Runtime's own ones. IR version 9 goes with them. */
const OPSETS = { "": 19, "com.microsoft": 1 };
const IR_VERSION = 9;
const MICROSOFT = "com.microsoft";

/** Attributes in short: a whole number is "int"; use `{ float }` for a float that happens to be whole. */
export type ShortAttribute = number | string | readonly number[] | { readonly float: number };

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, ShortAttribute>>;
  readonly domain?: "" | typeof MICROSOFT;
}

export class OnnxBuilder {
  readonly #name: string;
  readonly #nodes: OnnxNode[] = [];
  readonly #constants = new Map<string, OnnxTensor>();
  readonly #inputs: OnnxValue[] = [];
  readonly #outputs: OnnxValue[] = [];
  readonly #used = new Map<string, number>();

  constructor(name: string) {
    this.#name = name;
  }

  /** @param shape a string is a dimension that differs from call to call */
  input(name: string, dtype: OnnxDType, shape: readonly (number | string)[]): string {
    this.#inputs.push({ name, dtype, shape });
    return name;
  }

  output(name: string, from: string, shape: readonly (number | string)[]): void {
    this.#append("Identity", [from], [name], {});
    this.#outputs.push({ name, dtype: "float32", shape });
  }

  /** An output that the node that makes it names so itself: one that is written in place must be its own. */
  directOutput(name: string, shape: readonly (number | string)[]): string {
    this.#outputs.push({ name, dtype: "float32", shape });
    return name;
  }

  /** Appends a node with one output and returns the output's name. "" stands for an operand that is left out. */
  node(opType: string, inputs: readonly string[], options: NodeOptions = {}): string {
    return this.nodes(opType, inputs, 1, options)[0]!;
  }

  /** The same with several outputs. */
  nodes(opType: string, inputs: readonly string[], count: number, options: NodeOptions = {}): string[] {
    const outputs = Array.from({ length: count }, () => this.unique(opType));
    this.#append(opType, inputs, outputs, options);
    return outputs;
  }

  /** The same with the outputs' names given. */
  named(opType: string, inputs: readonly string[], outputs: readonly string[], options: NodeOptions): void {
    this.#append(opType, inputs, outputs, options);
  }

  /** A constant of float32; equal ones are one. */
  floats(values: readonly number[], dims: readonly number[] = []): string {
    const data = new Uint8Array(Float32Array.from(values).buffer);
    return this.constant({ name: `f[${dims}](${values})`, dtype: "float32", dims, data });
  }

  /** A long vector of float32 under a name of its own. */
  floatVector(name: string, values: Float32Array): string {
    const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    return this.constant({ name, dtype: "float32", dims: [values.length], data });
  }

  /** A vector of int64: axes, shapes, bounds. */
  int64s(...values: readonly number[]): string {
    const data = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return this.constant({ name: `i(${values})`, dtype: "int64", dims: [values.length], data });
  }

  /** A constant by its name; one of the same name is the same. */
  constant(tensor: OnnxTensor): string {
    if (!this.#constants.has(tensor.name)) this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }

  unique(stem: string): string {
    const count = this.#used.get(stem) ?? 0;
    this.#used.set(stem, count + 1);
    return `${stem}_${count}`;
  }

  finish(): OnnxModel {
    return {
      irVersion: IR_VERSION,
      producer: "millet",
      opsets: OPSETS,
      graph: {
        name: this.#name,
        nodes: this.#nodes,
        initializers: [...this.#constants.values()],
        inputs: this.#inputs,
        outputs: this.#outputs,
        values: [],
      },
    };
  }

  #append(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    { attributes = {}, domain = "" }: NodeOptions,
  ): void {
    const entries = Object.entries(attributes).map(([key, value]) => [key, longAttribute(value)] as const);
    const name = outputs[0] ?? opType;
    this.#nodes.push({ name, opType, domain, inputs, outputs, attributes: Object.fromEntries(entries) });
  }
}

function longAttribute(value: ShortAttribute): OnnxAttribute {
  if (typeof value === "number") return { type: "int", value };
  if (typeof value === "string") return { type: "string", value };
  if ("float" in value) return { type: "float", value: value.float };
  return { type: "ints", value };
}
