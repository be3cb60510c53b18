/**
 * The reference backend: the executable specification. It evaluates each node by its op's reference, on the host,
 * in float64, one after the other. Slow by design; every other backend is held against it.
 */
import { MilletError, throwIfAborted } from "../../errors.js";
import type { Graph, Value } from "../../graph/graph.js";
import { KV_DTYPES, type KvPlan, kvElementsPerRow } from "../../graph/kv.js";
import { opOf } from "../../ops/index.js";
import { dequantize } from "../../quant/index.js";
import { byteLength, createTensor, elementCount, type HostTensor } from "../../tensor/tensor.js";
import type { WeightSources } from "../../tensor/weights.js";
import type {
  Backend,
  BackendFactory,
  Call,
  DeviceBuffer,
  Estimate,
  Executable,
  GraphSet,
  LoadedModel,
  LoadOptions,
} from "../backend.js";
import { checkCall, outputSpec } from "../call.js";
import { dataOf, ReferenceBuffer } from "./buffer.js";
import { ReferenceState } from "./state.js";

/** The factory of the reference backend, for tests and for checking other backends. */
export function reference(): BackendFactory {
  return { name: "reference", create: async () => new ReferenceBackend() };
}

class ReferenceBackend implements Backend {
  readonly name = "reference";
  readonly capabilities = {
    description: "reference: float64 in JavaScript, for checking other backends",
    threads: 1,
    memoryLimitBytes: undefined,
    kvDTypes: KV_DTYPES,
    limitations: ["The reference backend is made to be right, not fast."],
  };
  readonly lost = new Promise<MilletError>(() => {});

  supports(): boolean {
    return true;
  }

  estimate(graphs: GraphSet, kv: KvPlan): Estimate {
    const weights = new Map(Object.values(graphs).flatMap((graph) => Object.entries(graph.weights)));
    return {
      weightBytes: [...weights.values()].reduce((sum, { spec }) => sum + 4 * elementCount(spec.shape), 0),
      kvBytes: kvElementsPerRow(kv) * 4 * kv.blockRows * kv.maxBlocks,
      scratchBytes: 0,
    };
  }

  async load(
    graphs: GraphSet,
    sources: WeightSources,
    kv: KvPlan,
    options: LoadOptions = {},
  ): Promise<LoadedModel> {
    const weights = await readWeights(graphs, sources, options);
    const executables = Object.fromEntries(
      Object.entries(graphs).map(([name, graph]) => [name, new ReferenceExecutable(graph, weights)]),
    );
    return {
      byteLength: [...weights.values()].reduce((sum, { data }) => sum + data.byteLength, 0),
      executables,
      createState: () => new ReferenceState(kv),
      dispose: async () => weights.clear(),
    };
  }

  async dispose(): Promise<void> {}
}

/** All weights of the graphs as float32, read one by one. */
async function readWeights(
  graphs: GraphSet,
  sources: WeightSources,
  { signal, onProgress }: LoadOptions,
): Promise<Map<string, HostTensor>> {
  const wanted = new Map(Object.values(graphs).flatMap((graph) => Object.entries(graph.weights)));
  const totalBytes = [...wanted.values()].reduce((sum, { spec }) => sum + byteLength(spec), 0);
  const weights = new Map<string, HostTensor>();
  let loadedBytes = 0;
  for (const [name, { spec }] of wanted) {
    throwIfAborted(signal, "Loading the weights");
    const source = sources.get(name);
    if (!source) throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${name}".`);
    const tensor = createTensor(spec);
    await source.readInto(0, tensor.data, signal);
    weights.set(name, toFloat32(tensor));
    loadedBytes += tensor.data.byteLength;
    onProgress?.({ loadedBytes, totalBytes });
  }
  return weights;
}

function toFloat32(tensor: HostTensor): HostTensor {
  if (tensor.spec.dtype === "f32") return tensor;
  const values = dequantize(tensor.spec.dtype, tensor.data);
  return {
    spec: { dtype: "f32", shape: tensor.spec.shape },
    data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
  };
}

class ReferenceExecutable implements Executable {
  readonly graph: Graph;
  readonly #weights: ReadonlyMap<string, HostTensor>;

  constructor(graph: Graph, weights: ReadonlyMap<string, HostTensor>) {
    this.graph = graph;
    this.#weights = weights;
  }

  run(call: Call): Readonly<Record<string, DeviceBuffer>> {
    const rows = checkCall(this.graph, call);
    const values = this.#evaluate(call);
    return Object.fromEntries(
      Object.entries(this.graph.outputs).map(([name, value]) => {
        const result = values instanceof MilletError ? values : values.get(value)!;
        return [name, new ReferenceBuffer(outputSpec(this.graph, name, rows), result)];
      }),
    );
  }

  toString(): string {
    return this.graph.toString();
  }

  /** Evaluates at once: runs are in order because nothing here waits. A failure is kept for read(). */
  #evaluate(call: Call): ReadonlyMap<Value, HostTensor> | MilletError {
    try {
      return this.#evaluateNodes(call);
    } catch (error) {
      if (error instanceof MilletError) return error;
      throw error;
    }
  }

  #evaluateNodes(call: Call): ReadonlyMap<Value, HostTensor> {
    const values = new Map<Value, HostTensor>();
    for (const [name, value] of Object.entries(this.graph.inputs))
      values.set(value, dataOf(call.inputs[name]!));
    for (const [name, value] of Object.entries(this.graph.weights)) {
      const weight = this.#weights.get(name);
      if (!weight) throw new MilletError("DISPOSED", "The model was disposed; load it again.");
      values.set(value, weight);
    }
    const state = call.state instanceof ReferenceState ? call.state : undefined;
    for (const node of this.graph.nodes) {
      throwIfAborted(call.signal, "The call");
      const inputs = node.inputs.map((value) => values.get(value)!);
      const outputs = opOf(node).reference(inputs, node.attrs, state);
      node.outputs.forEach((value, i) => values.set(value, outputs[i]!));
    }
    return values;
  }
}
