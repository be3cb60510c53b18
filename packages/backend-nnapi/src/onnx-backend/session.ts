/** A graph on one session: feeds are made from the call's inputs, new keys and values go to the cache. */
import { isMilletError, MilletError } from "@millet/core/errors";
import { fillRotationTable } from "@millet/core/ops";
import { type HostTensor, viewAs } from "@millet/core/tensor";
import type { EmittedGraph } from "../emit/emit.js";
import type { CacheIndices } from "../emit/feeds.js";
import type { OrtLike, OrtSession, OrtTensor } from "../runtime/ort.js";
import type { OnnxState } from "./cache.js";
import type { Computation, Turn } from "./computation.js";
import type { EmbeddingTable } from "./embedding-table.js";
import { type Indices, type Visibility, visibilityOf } from "./visibility.js";

/** What sessions of one model share. */
export interface OnnxModelParts {
  readonly ort: OrtLike;
  readonly embeddings: ReadonlyMap<string, EmbeddingTable>;
}

type Inputs = Readonly<Record<string, HostTensor>>;

export class SessionComputation implements Computation {
  readonly #emitted: EmittedGraph;
  readonly #session: OrtSession;
  readonly #parts: OnnxModelParts;

  constructor(emitted: EmittedGraph, session: OrtSession, parts: OnnxModelParts) {
    this.#emitted = emitted;
    this.#session = session;
    this.#parts = parts;
  }

  toString(): string {
    const { nodes, initializers } = this.#emitted.model.graph;
    const lines = nodes.map(
      ({ opType, inputs, outputs }) => `  ${outputs.join(", ")} = ${opType}(${inputs.join(", ")})`,
    );
    return [
      `onnx ${this.#emitted.model.graph.name}: ${nodes.length} nodes, ${initializers.length} constants`,
      ...lines,
    ].join("\n");
  }

  async compute({ inputs, state }: Turn): Promise<ReadonlyMap<string, Float32Array>> {
    const { feeds } = this.#emitted;
    const indices = feeds.indices && indicesOf(feeds.indices, inputs);
    const visibility = indices && state && visibilityOf(indices, state.plan.blockRows, state.positions);
    const results = await this.#runSession(this.#feedsOf(inputs, state, visibility));
    const floats = new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]));
    if (indices && state) {
      indices.writeRows.forEach((row, t) => {
        state.positions[row] = indices.positions[t]!;
      });
      for (const { layer, newKeys, newValues } of feeds.caches) {
        state.keys.scatter(layer, indices.writeRows, floats.get(newKeys)!);
        state.values.scatter(layer, indices.writeRows, floats.get(newValues)!);
      }
    }
    return floats;
  }

  #feedsOf(
    inputs: Inputs,
    state: OnnxState | undefined,
    visibility: Visibility | undefined,
  ): Record<string, OrtTensor> {
    const { Tensor } = this.#parts.ort;
    const { embeddings, rotations, masks, caches, direct } = this.#emitted.feeds;
    const result: Record<string, OrtTensor> = {};
    const floats = (name: string, data: Float32Array, columns: number) => {
      result[name] = new Tensor("float32", data, [data.length / columns, columns]);
    };
    for (const [name, dtype] of Object.entries(direct)) {
      const { shape } = inputs[name]!.spec;
      result[name] =
        dtype === "int32"
          ? new Tensor("int32", viewAs(inputs[name]!, "i32"), shape)
          : new Tensor("float32", viewAs(inputs[name]!, "f32"), shape);
    }
    for (const { name, weight, tokens, scale } of embeddings) {
      const table = this.#parts.embeddings.get(weight)!;
      floats(name, table.rows(viewAs(inputs[tokens]!, "i32"), scale), table.columns);
    }
    for (const { cos, sin, rope, positions } of rotations) {
      const [cosines, sines] = rotationTables(rope, viewAs(inputs[positions]!, "i32"));
      floats(cos, cosines, rope.inverseFrequencies.length);
      floats(sin, sines, rope.inverseFrequencies.length);
    }
    if (!visibility || !state) return result;
    const { past } = visibility;
    for (const feed of masks) {
      const mask = visibility.mask(feed);
      const tokens = inputs[this.#emitted.feeds.indices!.positions]!.spec.shape[0]!;
      floats(feed.name, mask, mask.length / tokens);
    }
    for (const { layer, pastKeys, pastValues } of caches) {
      result[pastKeys] = new Tensor("float32", state.keys.gather(layer, past), [
        past.length,
        state.keys.columns,
      ]);
      result[pastValues] = new Tensor("float32", state.values.gather(layer, past), [
        past.length,
        state.values.columns,
      ]);
    }
    return result;
  }

  async #runSession(
    feeds: Readonly<Record<string, OrtTensor>>,
  ): Promise<Readonly<Record<string, OrtTensor>>> {
    try {
      return await this.#session.run(feeds);
    } catch (error) {
      throw runtimeError(`run graph "${this.#emitted.model.graph.name}"`, error);
    }
  }
}

/** Cosines and sines apart, each f32[rows, pairs]. */
function rotationTables(
  rope: Parameters<typeof fillRotationTable>[1],
  positions: Int32Array,
): [Float32Array, Float32Array] {
  const pairs = rope.inverseFrequencies.length;
  const table = new Float32Array(2 * pairs * positions.length);
  fillRotationTable(table, rope, positions);
  const [cos, sin] = [new Float32Array(pairs * positions.length), new Float32Array(pairs * positions.length)];
  for (let row = 0; row < positions.length; row++) {
    cos.set(table.subarray(2 * row * pairs, (2 * row + 1) * pairs), row * pairs);
    sin.set(table.subarray((2 * row + 1) * pairs, (2 * row + 2) * pairs), row * pairs);
  }
  return [cos, sin];
}

function indicesOf(names: CacheIndices, inputs: Inputs): Indices {
  const array = (name: string) => viewAs(inputs[name]!, "i32");
  return {
    positions: array(names.positions),
    sequences: array(names.sequences),
    writeRows: array(names.writeRows),
    blockTable: array(names.blockTable),
    lengths: array(names.lengths),
  };
}

/** What the runtime fails with, as a MilletError. */
export function runtimeError(what: string, error: unknown): MilletError {
  if (isMilletError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const isMemory = /alloc|out of memory|OOM/i.test(reason);
  return new MilletError(
    isMemory ? "OUT_OF_MEMORY" : "BACKEND_FAILED",
    `ONNX Runtime could not ${what}: ${reason}`,
    { cause: error },
  );
}
