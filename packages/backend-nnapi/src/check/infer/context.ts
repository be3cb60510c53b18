/** What an operator's inference sees: the types of its operands, constants among them, attributes. */
import type { OnnxDType, OnnxNode } from "../../onnx/model.js";
import { type Dim, type Type, UNKNOWN } from "./type.js";

export class InferContext {
  readonly node: OnnxNode;
  readonly #type: (name: string) => Type;
  readonly #numbers: (name: string) => readonly number[] | undefined;

  constructor(
    node: OnnxNode,
    type: (name: string) => Type,
    numbers: (name: string) => readonly number[] | undefined,
  ) {
    this.node = node;
    this.#type = type;
    this.#numbers = numbers;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? "") !== "";
  }

  type(index: number): Type {
    const name = this.node.inputs[index];
    return name ? this.#type(name) : UNKNOWN;
  }

  shape(index: number): readonly Dim[] | undefined {
    return this.type(index).shape;
  }

  dtype(index: number): OnnxDType | undefined {
    return this.type(index).dtype;
  }

  /** A constant operand's numbers. */
  numbers(index: number): readonly number[] | undefined {
    const name = this.node.inputs[index];
    return name ? this.#numbers(name) : undefined;
  }

  int(name: string, fallback: number): number {
    const attribute = this.node.attributes[name];
    return attribute?.type === "int" ? attribute.value : fallback;
  }

  ints(name: string): readonly number[] | undefined {
    const attribute = this.node.attributes[name];
    return attribute?.type === "ints" ? attribute.value : undefined;
  }

  /** Axes, which older operator sets have as an attribute and newer ones as an operand. */
  axes(index: number): readonly number[] | undefined {
    return this.has(index) ? this.numbers(index) : this.ints("axes");
  }
}

/** Types of a node's outputs; undefined where nothing can be said. */
export type Infer = (context: InferContext) => readonly Type[] | undefined;
