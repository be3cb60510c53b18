/** Checked access of an architecture to its weights: existence, shape, dtype. */
import { MilletError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import type { Value } from "../graph/graph.js";
import { elementCount, formatSpec, sameShape, viewAs } from "../tensor/tensor.js";
import type { WeightSource, WeightSources } from "../tensor/weights.js";

/** A tensor that must exist with a shape.
 * @throws MilletError MODEL_TENSOR_MISSING, MODEL_TENSOR_SHAPE
 */
export function requireWeight(sources: WeightSources, name: string, shape: readonly number[]): WeightSource {
  const source = sources.get(name);
  if (!source) {
    throw new MilletError(
      "MODEL_TENSOR_MISSING",
      `The model has no tensor "${name}", which its architecture needs. The file is incomplete: get it again.`,
      { details: { name } },
    );
  }
  if (!sameShape(source.spec.shape, shape)) {
    throw new MilletError(
      "MODEL_TENSOR_SHAPE",
      `Tensor "${name}" is ${formatSpec(source.spec)}; the configuration asks for [${shape.join(", ")}].`,
      { details: { name, actual: source.spec.shape, expected: shape } },
    );
  }
  return source;
}

/** Adds a matrix weight [rows, columns] of any float dtype to a graph. */
export function matrixWeight(
  graph: GraphBuilder,
  sources: WeightSources,
  name: string,
  rows: number,
  columns: number,
): Value {
  return graph.weight(name, requireWeight(sources, name, [rows, columns]).spec);
}

/**
 * Adds a vector weight [length], which must be float32 (norm weights and biases always are).
 * @throws MilletError MODEL_TENSOR_DTYPE
 */
export function vectorWeight(
  graph: GraphBuilder,
  sources: WeightSources,
  name: string,
  length: number,
): Value {
  const { spec } = requireWeight(sources, name, [length]);
  if (spec.dtype !== "f32") {
    throw new MilletError("MODEL_TENSOR_DTYPE", `Tensor "${name}" is ${formatSpec(spec)}; it must be f32.`);
  }
  return graph.weight(name, spec);
}

/** Reads a small float32 vector right away. */
export async function readVector(
  sources: WeightSources,
  name: string,
  length: number,
): Promise<Float32Array> {
  const source = requireWeight(sources, name, [length]);
  const data = new Uint8Array(4 * length);
  if (source.spec.dtype !== "f32") {
    throw new MilletError(
      "MODEL_TENSOR_DTYPE",
      `Tensor "${name}" is ${formatSpec(source.spec)}; it must be f32.`,
    );
  }
  await source.readInto(0, data);
  return viewAs({ spec: source.spec, data }, "f32");
}

/** Elements of all weights together. */
export function countParameters(sources: WeightSources): number {
  return [...sources.values()].reduce((sum, { spec }) => sum + elementCount(spec.shape), 0);
}
