/** What the lowering of a graph gathers: dispatches, where values lie, the layout of a call. */
import type { KvPlan } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph, Value } from "@millet/core/graph";
import type { Choices } from "../kernels/choices.js";
import type { KernelFeatures } from "../kernels/features.js";
import type { Dispatch } from "../program/dispatch.js";
import type { PlacedWeight } from "../weights/placed-weight.js";
import { type CallLayout, COUNT_WORDS } from "./call-layout.js";
import { type Matrix, rowsOf, strideOf } from "./matrix.js";
import type { VirtualSlot } from "./slots.js";
import type { Workspace } from "./specs.js";

/** Most active rows of a program. */
export interface MostRows {
  readonly tokens: number;
  readonly logits: number;
}

/** What is the same for all graphs of a model. */
export interface ModelContext {
  readonly weights: ReadonlyMap<string, PlacedWeight>;
  readonly features: KernelFeatures;
  readonly kv: KvPlan;
  readonly choices: Choices;
}

export class LoweringContext implements Workspace {
  readonly dispatches: Dispatch[] = [];
  readonly slots: VirtualSlot[] = [];
  readonly model: ModelContext;
  readonly call: CallLayout;
  readonly #most: MostRows;
  readonly #outputs: ReadonlySet<Value>;
  readonly #matrices = new Map<Value, Matrix>();

  constructor(graph: Graph, call: CallLayout, most: MostRows, model: ModelContext) {
    this.model = model;
    this.call = call;
    this.#most = most;
    this.#outputs = new Set(Object.values(graph.outputs));
    for (const value of call.matrices) this.matrix(value);
  }

  emit(...dispatches: readonly Dispatch[]): void {
    this.dispatches.push(...dispatches);
  }

  /** Where a value lies; it gets a slot of its own the first time. */
  matrix(value: Value): Matrix {
    const known = this.#matrices.get(value);
    if (known) return known;
    const width = value.spec.shape.length < 2 ? 1 : value.spec.shape.at(-1)!;
    const matrix = this.#newMatrix(width, value, this.#outputs.has(value));
    this.#matrices.set(value, matrix);
    return matrix;
  }

  /** Places values of the same rows side by side in one matrix, and gives that. */
  joined(values: readonly Value[]): Matrix {
    const [first] = values;
    if (values.length === 1) return this.matrix(first!);
    const widths = values.map((value) => value.spec.shape.at(-1)!);
    const isOutput = values.some((value) => this.#outputs.has(value));
    const whole = this.#newMatrix(
      widths.reduce((sum, width) => sum + width, 0),
      first!,
      isOutput,
    );
    let from = 0;
    values.forEach((value, i) => {
      this.#matrices.set(value, { ...whole, offset: from, width: widths[i]! });
      from += widths[i]!;
    });
    return whole;
  }

  /** @throws MilletError GRAPH_INVALID for a weight that the plan lacks */
  weight(value: Value): PlacedWeight {
    const placed = this.model.weights.get(value.name);
    if (placed) return placed;
    throw new MilletError("GRAPH_INVALID", `"${value.name}" is not a weight of the model.`);
  }

  /** First word of an input in the call's buffer. @throws MilletError GRAPH_UNSUPPORTED_OP for a computed value */
  word(value: Value): number {
    const word = this.call.inputs.get(value);
    if (word !== undefined) return word;
    throw new MilletError(
      "GRAPH_UNSUPPORTED_OP",
      `The WebGPU backend takes indices from inputs, not ${value.name}.`,
    );
  }

  countWord(axis: "tokens" | "logits"): number {
    return COUNT_WORDS[axis];
  }

  temporary(byteLength: number): number {
    return this.slots.push({ byteLength: Math.max(byteLength, 4), isInput: false, isOutput: false }) - 1;
  }

  #newMatrix(width: number, like: Value, isOutput: boolean): Matrix {
    const rows = rowsOf(like, this.#most);
    const stride = strideOf(width);
    const byteLength = Math.max(16, 4 * stride * rows);
    const slot = this.slots.push({ byteLength, isInput: like.kind === "input", isOutput }) - 1;
    return { slot, offset: 0, stride, width, rows, axis: like.rowAxis };
  }
}
