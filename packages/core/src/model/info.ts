/** Facts about a model file for people and reports. */
import type { ModelFile } from "../formats/index.js";
import { type ModelDefinition, readPooling } from "../models/index.js";
import { elementCount } from "../tensor/tensor.js";
import type { ModelInfo } from "./types.js";

/** @param packageName what a model package calls it; some files carry the name of a training run */
export function modelInfo(
  file: ModelFile,
  definition: ModelDefinition,
  packageName: string | undefined,
): ModelInfo {
  const name = packageName ?? file.metadata.get("general.name");
  const tensors = [...file.tensors.values()];
  return {
    name: typeof name === "string" && name !== "" ? name : file.name,
    architecture: definition.architecture,
    parameterCount: definition.parameterCount,
    fileBytes: file.byteLength,
    weightBytes: tensors.reduce((sum, { byteLength }) => sum + (byteLength ?? 0), 0),
    quantization: quantization(file),
    trainedContextLength: definition.contextLength,
    vocabularySize: definition.vocabularySize,
    canGenerate: definition.kind === "decoder",
    embedding: { dimensions: definition.hidden, pooling: readPooling(file, definition) },
  };
}

/** "q4_1 99.9%, f32 0.1%" */
function quantization(file: ModelFile): string {
  const elements = new Map<string, number>();
  for (const { type, shape } of file.tensors.values()) {
    elements.set(type.name, (elements.get(type.name) ?? 0) + elementCount(shape));
  }
  const total = [...elements.values()].reduce((sum, count) => sum + count, 0);
  return [...elements]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${((count / total) * 100).toFixed(1)}%`)
    .join(", ");
}
