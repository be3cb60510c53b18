/** The one list of architectures. */
import { MilletError } from "../errors.js";
import type { Architecture, ModelDefinition, ModelFiles } from "./definition.js";
import { llama } from "./llama.js";

export const ARCHITECTURES: readonly Architecture[] = [llama];

/**
 * Finds the architecture that a file names and reads its configuration.
 * @throws MilletError MODEL_UNKNOWN_ARCHITECTURE, MODEL_BAD_CONFIG, MODEL_TENSOR_*
 */
export async function defineModel(files: ModelFiles): Promise<ModelDefinition> {
  const name = files.metadata.get("general.architecture");
  const architecture = ARCHITECTURES.find((candidate) => candidate.name === name);
  if (architecture) return architecture.define(files);
  const known = ARCHITECTURES.map((candidate) => candidate.name).join(", ");
  throw new MilletError(
    "MODEL_UNKNOWN_ARCHITECTURE",
    `The model's architecture is ${JSON.stringify(name) ?? "not given"}; this version runs: ${known}.`,
    { details: { architecture: name } },
  );
}

export type { Architecture, ModelDefinition, ModelFiles, StepShape } from "./definition.js";
