/** A compiled graph: run() packs a call's inputs, queues the program and hands out its outputs. */
import {
  type ActiveRows,
  type Call,
  checkCall,
  type DeviceBuffer,
  type Executable,
  outputSpec,
} from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { HostTensor, TensorSpec } from "@millet/core/tensor";
import { callData } from "./call-data.js";
import type { Engine, EngineCall } from "./engine/engine.js";
import type { LoweredGraph } from "./lower/lower.js";
import type { Matrix } from "./lower/matrix.js";
import type { PlacedGraph } from "./model-plan.js";
import { CpuState } from "./state.js";

export class CpuExecutable implements Executable {
  readonly graph: Graph;
  readonly #engine: Engine;
  readonly #lowered: LoweredGraph;
  readonly #address: number;

  constructor(graph: Graph, placed: PlacedGraph, engine: Engine) {
    this.graph = graph;
    this.#lowered = placed.lowered;
    this.#address = placed.address;
    this.#engine = engine;
  }

  run(call: Call): Readonly<Record<string, DeviceBuffer>> {
    const rows = checkCall(this.graph, call);
    const outputs = [...this.#lowered.outputs].map(([name, matrix]) => {
      const spec = outputSpec(this.graph, name, rows);
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
    const { signal } = call;
    return this.#engine.call({ writes, program: this.#address, reads, ...(signal && { signal }) });
  }
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
