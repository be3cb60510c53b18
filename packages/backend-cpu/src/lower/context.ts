/** What the emitters of src/lower/<op>.ts share: where values lie, work space, and the list of steps. */

import type { KvPlan } from "@millet/core/backend";
import type { Graph, Value } from "@millet/core/graph";
import { type MemoryPlan, planMemory } from "@millet/core/lower";
import type { Step } from "../program/step.js";
import { CallBlock } from "./call-block.js";
import { type Matrix, matrixBytes, matrixStride, paddedRows } from "./matrix.js";
import { ALIGNMENT, aligned, type Region } from "./region.js";
import { replicatedValues } from "./replication.js";

/** Nodes after its last use for which a value's bytes are not given to another: there is a barrier by then. */
const REUSE_DELAY_NODES = 4;

export class LoweringContext {
  readonly threads: number;
  readonly kv: KvPlan;
  readonly call: CallBlock;
  readonly steps: Step[] = [];
  /** Whether rows of the axis "logits" give logits: in a graph for embeddings, they are all rows. */
  readonly givesLogits: boolean;
  readonly #weights: ReadonlyMap<string, number>;
  readonly #region: Region;
  readonly #replicated: ReadonlySet<Value>;
  readonly #addresses = new Map<Value, number>();
  readonly #temporaries = new Map<string, number>();
  /** The value whose quantized form a temporary holds. */
  readonly #holds = new Map<number, Value>();

  /** @param weights byte address of each weight @param region where inputs, values and work space go */
  constructor(
    graph: Graph,
    weights: ReadonlyMap<string, number>,
    region: Region,
    threads: number,
    kv: KvPlan,
  ) {
    this.threads = threads;
    this.kv = kv;
    this.givesLogits = graph.outputs.logits !== undefined;
    this.#weights = weights;
    this.#region = region;
    this.call = new CallBlock(graph, region);
    this.#replicated = replicatedValues(graph);
    // Replicated values lie apart: sharing bytes with the others, they would need barriers.
    const shared = (value: Value) => (this.#replicated.has(value) ? 0 : matrixBytes(value));
    const copies = (value: Value) => (this.#replicated.has(value) ? threads * matrixBytes(value) : 0);
    this.#place(planMemory(graph, shared, ALIGNMENT, REUSE_DELAY_NODES));
    this.#place(planMemory(graph, copies, ALIGNMENT));
  }

  /** Address after the last byte that the program uses. */
  get end(): number {
    return this.#region.end;
  }

  weight(value: Value): number {
    return this.#weights.get(value.name)!;
  }

  matrix(value: Value): Matrix {
    const byteLength = matrixBytes(value);
    return {
      address: value.kind === "input" ? this.call.inputOf(value) : this.#addresses.get(value)!,
      stride: matrixStride(value),
      width: value.spec.shape[1]!,
      byteLength,
      privateStride: this.#replicated.has(value) ? byteLength : 0,
      count: this.call.countOf(value),
    };
  }

  /** Work space that lives through the program; one of the same name is the same. */
  temporary(name: string, byteLength: number): number {
    let address = this.#temporaries.get(name);
    if (address === undefined) {
      address = this.#region.allocate(byteLength);
      this.#temporaries.set(name, address);
    }
    return address;
  }

  /**
   * A matrix in work space of two rows for each row of a value; those of the same purpose and size are the same.
   * @param copies whether each thread has one of its own
   */
  rowsOfTwo(purpose: string, value: Value, copies = false): Matrix {
    const stride = matrixStride(value);
    const byteLength = aligned(stride * paddedRows(2 * value.spec.shape[0]!));
    return {
      address: this.temporary(
        `${purpose} ${stride} ${byteLength}`,
        copies ? byteLength * this.threads : byteLength,
      ),
      stride,
      width: value.spec.shape[1]!,
      byteLength,
      privateStride: copies ? byteLength : 0,
      count: this.call.twiceCountOf(value),
    };
  }

  /** Whether `temporary` holds something made from `value`; if not, from now on it does. */
  holds(temporary: number, value: Value): boolean {
    if (this.#holds.get(temporary) === value) return true;
    this.#holds.set(temporary, value);
    return false;
  }

  emit(step: Step): void {
    this.steps.push(step);
  }

  #place({ offsets, byteLength }: MemoryPlan): void {
    const arena = this.#region.allocate(byteLength);
    for (const [value, offset] of offsets) this.#addresses.set(value, arena + offset);
  }
}
