/** One graph as core calls it: calls are checked, wait for their turn, and give their outputs when they are read. */
import {
  type Call,
  checkCall,
  checkIndices,
  type DeviceBuffer,
  type Executable,
  hostInputs,
  outputSpec,
} from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { type HostTensor, type TensorSpec, tensorOf } from "@millet/core/tensor";
import { OnnxState } from "./cache.js";
import type { Computation } from "./computation.js";

/** Runs work after everything that was asked for before. */
export type Enqueue = <T>(work: () => T | Promise<T>) => Promise<T>;

export class OnnxExecutable implements Executable {
  readonly graph: Graph;
  readonly #computation: Computation;
  readonly #enqueue: Enqueue;

  constructor(graph: Graph, computation: Computation, enqueue: Enqueue) {
    this.graph = graph;
    this.#computation = computation;
    this.#enqueue = enqueue;
  }

  run(call: Call): Readonly<Record<string, DeviceBuffer>> {
    const rows = checkCall(this.graph, call);
    const given = hostInputs(this.graph, call);
    const state = call.state instanceof OnnxState ? call.state : undefined;
    // Before the queue, so that a caller's mistakes are its own; copied, since callers reuse their arrays.
    const inputs = Object.fromEntries(
      Object.entries(given).map(([name, { spec, data }]) => [name, { spec, data: data.slice() }]),
    );
    const result = this.#enqueue(async () => {
      throwIfAborted(call.signal, "The call");
      checkIndices(this.graph, ({ name }) => inputs[name], rows, state?.rows);
      const outputs = await this.#computation.compute({ inputs, rows, state });
      throwIfAborted(call.signal, "The call");
      return outputs;
    });
    result.catch(() => undefined); // whoever reads an output gets it
    return Object.fromEntries(
      Object.keys(this.graph.outputs).map((name) => [
        name,
        new Output(outputSpec(this.graph, name, rows), name, result),
      ]),
    );
  }

  toString(): string {
    return this.#computation.toString();
  }
}

class Output implements DeviceBuffer {
  readonly spec: TensorSpec;
  readonly #name: string;
  #result: Promise<ReadonlyMap<string, Float32Array>> | undefined;

  constructor(spec: TensorSpec, name: string, result: Promise<ReadonlyMap<string, Float32Array>>) {
    this.spec = spec;
    this.#name = name;
    this.#result = result;
  }

  async read(): Promise<HostTensor> {
    const result = this.#result;
    if (!result) throw new MilletError("DISPOSED", "The output was read or disposed of before.");
    this.#result = undefined;
    return tensorOf("f32", this.spec.shape, (await result).get(this.#name)!);
  }

  dispose(): void {
    this.#result = undefined;
  }
}
