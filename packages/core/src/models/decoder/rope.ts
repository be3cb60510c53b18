/**
 * RoPE of a model from its configuration: base, rotated part, and how it is stretched to long contexts.
 * Keys: rope.dimension_count (default: the head), rope.freq_base, rope.scaling.{type, factor, original_context_length,
 * attn_factor, yarn_attn_factor, yarn_beta_fast, yarn_beta_slow}. Factors of single pairs are weights, as in GGUF: Llama 3's
 * rope_freqs, and LongRoPE's rope_factors_short and rope_factors_long.
 */
import type { RopeAttrs } from "../../ops/index.js";
import type { WeightSources } from "../../tensor/weights.js";
import type { ConfigReader } from "../config.js";
import { readVector } from "../weights.js";
import { longRopeMagnitude, plainRotation, type Rotation, yarnRotation } from "./rope-scaling.js";

const FACTORS = "rope_freqs.weight";
const LONG = "rope_factors_long.weight";
const SHORT = "rope_factors_short.weight";

/** The rotation for steps of sequences of at most so many tokens. */
export type RopeByContext = (contextTokens: number) => RopeAttrs;

export interface RopeOptions {
  readonly headDim: number;
  /** Pairs are (2i, 2i + 1); see RopeAttrs. */
  readonly interleaved: boolean;
  /** Where the file has no rope.freq_base. */
  readonly defaultBase?: number;
}

/**
 * LongRoPE has factors for contexts up to the original length and others beyond. Keys are cached rotated, so that a
 * sequence cannot change from one to the other: it takes the long ones from its start if the session's context length is
 * above the original, and else the short ones. (transformers computes a prompt again when it grows beyond.)
 * @throws MilletError MODEL_BAD_CONFIG, MODEL_TENSOR_*
 */
export async function readRope(
  config: ConfigReader,
  weights: WeightSources,
  { headDim, interleaved, defaultBase = 10000 }: RopeOptions,
): Promise<RopeByContext> {
  const rotaryDim = readRotaryDim(config, headDim);
  const base = config.number("rope.freq_base", { fallback: defaultBase, min: 1 });
  if (weights.has(LONG) || weights.has(SHORT)) {
    return longRope(config, weights, base, rotaryDim, interleaved);
  }
  const rotation = weights.has(FACTORS)
    ? factored(base, rotaryDim, await readVector(weights, FACTORS, rotaryDim / 2))
    : scaled(config, base, rotaryDim);
  checkFinite(config, rotation);
  const attrs = { ...rotation, interleaved };
  return () => attrs;
}

/** Elements of a head that rotate. @throws MilletError MODEL_BAD_CONFIG */
export function readRotaryDim(config: ConfigReader, headDim: number): number {
  const rotaryDim = config.integer("rope.dimension_count", { fallback: headDim, max: headDim });
  if (rotaryDim % 2 !== 0) throw config.unsupported("rope.dimension_count", rotaryDim, "even numbers");
  return rotaryDim;
}

async function longRope(
  config: ConfigReader,
  weights: WeightSources,
  base: number,
  rotaryDim: number,
  interleaved: boolean,
): Promise<RopeByContext> {
  const original = config.integer("rope.scaling.original_context_length", { min: 2 });
  const trained = config.integer("context_length", { fallback: original });
  const fallback = longRopeMagnitude(trained, original);
  const magnitude = config.number("rope.scaling.attn_factor", { fallback, min: 0 });
  const attrsOf = async (name: string) => {
    const factors = await readVector(weights, name, rotaryDim / 2);
    const rotation = { ...factored(base, rotaryDim, factors), magnitude };
    checkFinite(config, rotation);
    return { ...rotation, interleaved };
  };
  const [short, long] = [await attrsOf(SHORT), await attrsOf(LONG)];
  return (contextTokens) => (contextTokens > original ? long : short);
}

function checkFinite(config: ConfigReader, { inverseFrequencies, magnitude }: Rotation): void {
  const bad = [...inverseFrequencies, magnitude].find((value) => !Number.isFinite(value));
  if (bad !== undefined)
    throw config.unsupported("rope.scaling", bad, "factors that leave frequencies finite");
}

function factored(base: number, rotaryDim: number, factors: Float32Array): Rotation {
  return plainRotation(base, rotaryDim, (i) => factors[i]!);
}

function scaled(config: ConfigReader, base: number, rotaryDim: number): Rotation {
  const type = config.string("rope.scaling.type", "none");
  const factor = () => config.number("rope.scaling.factor", { min: 1 });
  const originalContext = () => config.integer("rope.scaling.original_context_length");
  const attentionFactor = (key: string) => config.number(`rope.scaling.${key}`, { fallback: 1, min: 0 });
  switch (type) {
    case "none":
      return plainRotation(base, rotaryDim);
    case "linear": {
      const divisor = factor();
      return plainRotation(base, rotaryDim, () => divisor);
    }
    case "yarn":
      return yarnRotation(base, rotaryDim, {
        factor: factor(),
        originalContext: originalContext(),
        betaFast: config.number("rope.scaling.yarn_beta_fast", { fallback: 32, min: 1e-3 }),
        betaSlow: config.number("rope.scaling.yarn_beta_slow", { fallback: 1, min: 1e-3 }),
        attentionFactor: attentionFactor("attn_factor") * attentionFactor("yarn_attn_factor"),
      });
    default:
      throw config.unsupported(
        "rope.scaling.type",
        type,
        "none, linear, yarn, and longrope with its weights",
      );
  }
}
