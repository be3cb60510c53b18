/** RoPE frequencies of a model from its configuration: base, linear scaling, per-frequency factors (Llama 3). */
import type { RopeAttrs } from "../../ops/index.js";
import type { WeightSources } from "../../tensor/weights.js";
import type { ConfigReader } from "../config.js";
import { readVector } from "../weights.js";

/** Llama 3's frequency factors, where a file has them. */
const FACTORS = "rope_freqs.weight";

/**
 * frequency[i] = base^(-2i / rotaryDim) / linear factor / factors[i].
 * @throws MilletError MODEL_BAD_CONFIG for a scaling type that is not known
 */
export async function ropeAttrs(
  config: ConfigReader,
  weights: WeightSources,
  headDim: number,
  interleaved: boolean,
): Promise<RopeAttrs> {
  const rotaryDim = config.integer("rope.dimension_count", { fallback: headDim, max: headDim });
  if (rotaryDim % 2 !== 0) throw config.unsupported("rope.dimension_count", rotaryDim, "even numbers");
  const base = config.number("rope.freq_base", { fallback: 10000, min: 1 });
  const linear = linearFactor(config);
  const pairs = rotaryDim / 2;
  const factors = weights.has(FACTORS) ? await readVector(weights, FACTORS, pairs) : undefined;
  const inverseFrequencies = Array.from(
    { length: pairs },
    (_, i) => base ** ((-2 * i) / rotaryDim) / linear / (factors?.[i] ?? 1),
  );
  return { inverseFrequencies, interleaved, magnitude: 1 };
}

function linearFactor(config: ConfigReader): number {
  const type = config.string("rope.scaling.type", "none");
  if (type === "none") return 1;
  if (type === "linear") return config.number("rope.scaling.factor", { min: 1 });
  throw config.unsupported("rope.scaling.type", type, "none, linear");
}
