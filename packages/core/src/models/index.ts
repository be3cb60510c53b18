/** The one list of architectures. */
import { MilletError } from "../errors.js";
import { bert } from "./bert.js";
import { ConfigReader } from "./config.js";
import type { Architecture, ModelDefinition, ModelFiles } from "./definition.js";
import { gemma2 } from "./gemma2.js";
import { gemma3 } from "./gemma3.js";
import { gpt2 } from "./gpt2.js";
import { granite } from "./granite.js";
import { llama } from "./llama.js";
import { mimo } from "./mimo.js";
import { nomicBert } from "./nomic-bert.js";
import { olmo2 } from "./olmo2.js";
import { phi3 } from "./phi3.js";
import { qwen2 } from "./qwen2.js";
import { qwen3 } from "./qwen3.js";
import { smollm3 } from "./smollm3.js";
import { stablelm } from "./stablelm.js";

export const ARCHITECTURES: readonly Architecture[] = [
  bert,
  gemma2,
  gemma3,
  gpt2,
  granite,
  llama,
  mimo,
  nomicBert,
  olmo2,
  phi3,
  qwen2,
  qwen3,
  smollm3,
  stablelm,
];

/**
 * Finds the architecture that a file names and reads its configuration.
 * @throws MilletError MODEL_UNKNOWN_ARCHITECTURE, MODEL_BAD_CONFIG, MODEL_TENSOR_*
 */
export async function defineModel(files: ModelFiles): Promise<ModelDefinition> {
  const name = files.metadata.get("general.architecture");
  const architecture = ARCHITECTURES.find((candidate) => candidate.name === name);
  if (architecture) return attending(await architecture.define(files), files);
  const known = ARCHITECTURES.map((candidate) => candidate.name).join(", ");
  throw new MilletError(
    "MODEL_UNKNOWN_ARCHITECTURE",
    `The model's architecture is ${JSON.stringify(name) ?? "not given"}; this version runs: ${known}.`,
    { details: { architecture: name } },
  );
}

/** Decoders whose rows see later ones too, as some embedding models have them, would run and give wrong vectors. */
function attending(definition: ModelDefinition, { metadata }: ModelFiles): ModelDefinition {
  const config = new ConfigReader(definition.architecture, metadata);
  if (definition.kind === "encoder" || config.boolean("attention.causal", true)) return definition;
  throw config.unsupported("attention.causal", false, "true, and false of encoders such as bert");
}

export type {
  Architecture,
  ModelDefinition,
  ModelFiles,
  MtpDefinition,
  StepShape,
} from "./definition.js";
export { POOLINGS, type Pooling, readPooling } from "./pooling.js";
