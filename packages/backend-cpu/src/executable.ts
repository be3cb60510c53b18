/** A compiled graph: run() packs a call's inputs, queues the program and hands out its outputs. */
import {
  type ActiveRows,
  type Call,
  checkCall,
  type DeviceBuffer,
  type Executable,
} from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { HostTensor, TensorSpec } from "@millet/core/tensor";
import { Opcode } from "../assembly/opcodes.js";
import { callData } from "./call-data.js";
import type { Engine, EngineCall } from "./engine/engine.js";
import type { LoweredGraph } from "./lower/lower.js";
import type { Matrix } from "./lower/matrix.js";
import type { PlacedGraph } from "./model-plan.js";
import type { StepTrace } from "./options.js";
import { CpuState } from "./state.js";

export class CpuExecutable implements Executable {
  readonly graph: Graph;
  readonly #engine: Engine;
  readonly #lowered: LoweredGraph;
  readonly #address: number;
  readonly #trace: ((step: StepTrace) => void) | undefined;

  constructor(
    graph: Graph,
    placed: PlacedGraph,
    engine: Engine,
    trace: ((step: StepTrace) => void) | undefined,
  ) {
    this.graph = graph;
    this.#lowered = placed.lowered;
    this.#address = placed.address;
    this.#engine = engine;
    this.#trace = trace;
  }

  run(call: Call): Readonly<Record<string, DeviceBuffer>> {
    const rows = checkCall(this.graph, call);
    const outputs = [...this.#lowered.outputs].map(([name, matrix]) => {
      const spec = activeSpec(this.graph, name, rows);
      return { name, matrix, spec };
    });
    const reads = outputs.map(({ matrix, spec }) => ({
      address: matrix.address,
      byteLength: spec.shape[0]! * matrix.stride,
    }));
    const results = this.#run(call, rows, reads);
    results.catch(() => undefined); // reported by read()
    return Object.fromEntries(
      outputs.map(({ name, matrix, spec }, i) => [name, deviceBuffer(spec, matrix, results, i)]),
    );
  }

  toString(): string {
    return this.#lowered.program.toString();
  }

  async #run(call: Call, rows: ActiveRows, reads: EngineCall["reads"] & {}): Promise<readonly Uint8Array[]> {
    if (call.state !== undefined && !(call.state instanceof CpuState)) {
      throw new MilletError("INVALID_ARGUMENT", "The state belongs to another backend.");
    }
    const data = callData(this.#lowered, call, rows, call.state);
    const writes = [{ address: this.#lowered.call.address, data }];
    const signal = call.signal ? { signal: call.signal } : {};
    if (this.#trace) return this.#runTraced(writes, reads, signal, this.#trace);
    return this.#engine.call({ writes, program: this.#address, reads, ...signal });
  }

  /** Every step as a program of its own: the step and an end, written over the program's first bytes. */
  async #runTraced(
    writes: EngineCall["writes"] & {},
    reads: EngineCall["reads"] & {},
    signal: Pick<EngineCall, "signal">,
    trace: (step: StepTrace) => void,
  ): Promise<readonly Uint8Array[]> {
    const { name, steps, words, offsets } = this.#lowered.program;
    await this.#engine.call({ writes });
    for (const [index, { opcode, label }] of steps.entries()) {
      const start = offsets[index]! / 4;
      const step = words.slice(start, start + words[start + 1]! + 2);
      step.set([Opcode.End, 2], step.length - 2);
      step[0] = opcode; // alone, it meets nobody
      const data = new Uint8Array(step.buffer);
      const began = performance.now();
      await this.#engine.call({
        writes: [{ address: this.#address, data }],
        program: this.#address,
        ...signal,
      });
      trace({ program: name, index, kernel: Opcode[opcode], label, elapsedMs: performance.now() - began });
    }
    return this.#engine.call({ reads });
  }
}

function activeSpec(graph: Graph, name: string, rows: ActiveRows): TensorSpec {
  const { spec, rowAxis } = graph.outputs[name]!;
  const count = rowAxis === "fixed" ? spec.shape[0]! : rows[rowAxis];
  return { dtype: spec.dtype, shape: [count, ...spec.shape.slice(1)] };
}

function deviceBuffer(
  spec: TensorSpec,
  matrix: Matrix,
  results: Promise<readonly Uint8Array[]>,
  index: number,
): DeviceBuffer {
  return {
    spec,
    read: async () => unpad((await results)[index]!, spec, matrix),
    dispose: () => {},
  };
}

/** Takes the padding out of rows. */
function unpad(bytes: Uint8Array, spec: TensorSpec, { stride, width }: Matrix): HostTensor {
  if (stride === 4 * width) return { spec, data: bytes };
  const rows = spec.shape[0]!;
  const data = new Uint8Array(4 * rows * width);
  for (let row = 0; row < rows; row++) {
    data.set(bytes.subarray(row * stride, row * stride + 4 * width), 4 * row * width);
  }
  return { spec, data };
}
