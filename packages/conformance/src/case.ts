/**
 * A case: one op in a graph of its own, with data, and how close a backend must come to the reference.
 * The same cases serve conformance, benchmarks (bytes and multiply-adds per case) and the table of supported ops.
 */
import type { KvDType, KvPlan } from "@millet/core/backend";
import { type Graph, GraphBuilder, type OpDef, type RowAxis, type Value } from "@millet/core/graph";
import { quantize } from "@millet/core/quant";
import { type DType, elementCount, type HostTensor, tensorOf, type WeightSource } from "@millet/core/tensor";
import { Random } from "./random.js";

export type Inputs = Readonly<Record<string, HostTensor>>;

/** Results of one call by output; most cases have one, "out". */
export type Outputs = Readonly<Record<string, HostTensor>>;

export interface OpCase {
  readonly name: string;
  /** Largest normalised mean squared error of "out" against the reference; 0 asks for equal bits. */
  readonly tolerance: number;
  /** Stands in for the comparison by tolerance: what is wrong with the outputs of a call, or undefined. */
  readonly compare: ((actual: Outputs, expected: Outputs, inputs: Inputs) => string | undefined) | undefined;
  /** Multiply-adds of all calls together, for benchmarks; 0 where they do not matter. */
  readonly multiplyAdds: number;
  /** Type of the KV cache; f32 unless set. */
  readonly kvDType: KvDType | undefined;
  /** Makes graph and data; the same every time. */
  create(): BuiltCase;
}

export interface BuiltCase {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, WeightSource>;
  /** Calls to run one after the other on one state. */
  readonly calls: readonly Inputs[];
  /** Set if the op needs a cache. */
  readonly kv?: KvPlan;
}

/** Builds the graph of a case and keeps the data that belongs to it. */
export class CaseBuilder {
  readonly random: Random;
  readonly graph: GraphBuilder;
  readonly weights = new Map<string, WeightSource>();

  constructor(name: string) {
    this.graph = new GraphBuilder(name);
    this.random = new Random([...name].reduce((seed, c) => Math.imul(seed, 31) + c.charCodeAt(0), 7));
  }

  input(name: string, dtype: "f32" | "i32", shape: readonly number[], rowAxis: RowAxis = "tokens"): Value {
    return this.graph.input(name, { dtype, shape }, rowAxis);
  }

  /** A weight with random values of standard deviation `scale` around `mean`, encoded as `dtype`. */
  weight(name: string, dtype: DType, shape: readonly number[], scale = 0.05, mean = 0): Value {
    const values = this.random.normals(elementCount(shape), scale).map((x) => x + mean);
    const spec = { dtype, shape };
    this.weights.set(name, weightSource({ spec, data: quantize(dtype, values) }));
    return this.graph.weight(name, spec);
  }

  /** Random float32 data of standard deviation `scale` around `mean`. */
  floats(shape: readonly number[], scale = 1, mean = 0): HostTensor {
    const values = this.random.normals(elementCount(shape), scale);
    return tensorOf("f32", shape, mean === 0 ? values : values.map((x) => x + mean));
  }

  /** Ends the graph with one op whose output is called "out". */
  emit<Op extends string, Attrs>(def: OpDef<Op, Attrs>, inputs: readonly Value[], attrs: Attrs): Graph {
    return this.graph.finish({ out: this.graph.emitOne(def, inputs, attrs) });
  }
}

/** int32 data. */
export function ints(values: readonly number[], shape: readonly number[] = [values.length]): HostTensor {
  return tensorOf("i32", shape, Int32Array.from(values));
}

/** A weight that lies in memory. */
export function weightSource(tensor: HostTensor): WeightSource {
  return {
    spec: tensor.spec,
    async readInto(offset, target) {
      target.set(tensor.data.subarray(offset, offset + target.byteLength));
    },
  };
}

/** A case from a function that fills a builder. */
export function opCase(
  name: string,
  options: Pick<OpCase, "tolerance"> & Partial<Pick<OpCase, "multiplyAdds" | "kvDType" | "compare">>,
  build: (builder: CaseBuilder) => Omit<BuiltCase, "weights">,
): OpCase {
  return {
    name,
    tolerance: options.tolerance,
    multiplyAdds: options.multiplyAdds ?? 0,
    kvDType: options.kvDType,
    compare: options.compare,
    create() {
      const builder = new CaseBuilder(name);
      const built = build(builder);
      return { ...built, weights: builder.weights };
    },
  };
}
