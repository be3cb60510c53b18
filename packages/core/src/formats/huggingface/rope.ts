/**
 * RoPE of config.json in GGUF's terms: base and scaling as keys; factors per frequency (Llama 3, LongRoPE) as tensors.
 * transformers 5 writes `rope_parameters`, older versions `rope_theta` and `rope_scaling`; models with several kinds of
 * layers have one set for each kind.
 */
import { isObject, type JsonObject } from "../json.js";
import { Config, configError, shown } from "./config.js";

export interface Rope {
  /** By GGUF's keys without the architecture. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** By GGUF's names of tensors. */
  readonly factors: Readonly<Record<string, Float32Array>>;
}

/** @param layerType whose parameters are wanted, where they differ */
export function ropeParameters(config: Config, layerType = "full_attention"): Config {
  const all = config.object("rope_parameters");
  const own = all?.[layerType];
  const given: JsonObject = isObject(own) ? own : (all ?? {});
  const scaling = all ? {} : (config.object("rope_scaling") ?? {});
  const shared = {
    rope_theta: config.get("rope_theta"),
    partial_rotary_factor: config.get("partial_rotary_factor"),
  };
  return new Config({ ...shared, ...scaling, ...given });
}

/**
 * @param headDim of queries and keys
 * @throws MilletError MODEL_BAD_CONFIG for a kind of scaling that is not known
 */
export function ropeOf(config: Config, headDim: number): Rope {
  const parameters = ropeParameters(config);
  const dimensions = Math.floor(headDim * (parameters.optionalNumber("partial_rotary_factor") ?? 1));
  if (!(dimensions >= 2 && dimensions <= headDim))
    throw configError(`RoPE over ${dimensions} elements makes no sense.`);
  const base = parameters.optionalNumber("rope_theta") ?? 10_000;
  const scaling = scalingOf(parameters, config, dimensions, base);
  return {
    keys: { "rope.freq_base": base, "rope.dimension_count": dimensions, ...scaling.keys },
    factors: scaling.factors ?? {},
  };
}

function scalingOf(rope: Config, config: Config, dimensions: number, base: number): Partial<Rope> {
  const type = rope.get("rope_type", "type") ?? "default";
  switch (type) {
    case "default":
      return {};
    case "linear":
      return { keys: { "rope.scaling.type": "linear", "rope.scaling.factor": rope.number("factor") } };
    case "llama3":
      return { factors: { "rope_freqs.weight": llama3Factors(rope, dimensions, base) } };
    case "yarn":
      return { keys: yarnKeys(rope, config) };
    case "longrope":
    case "su":
      return longRope(rope, config, dimensions);
    default:
      throw configError(
        `the RoPE scaling ${shown(type)} is not supported; supported: linear, llama3, yarn, longrope.`,
        "Get the model as GGUF, or another one.",
      );
  }
}

/**
 * What frequencies are divided by: 1 for the high ones, `factor` for the low ones, and a line between (Llama 3.1; the
 * original writes it as an interpolation of frequencies).
 */
function llama3Factors(rope: Config, dimensions: number, base: number): Float32Array {
  const factor = rope.number("factor");
  const low = rope.number("low_freq_factor");
  const high = rope.number("high_freq_factor");
  const context = rope.number("original_max_position_embeddings");
  if (!(factor > 0 && low > 0 && high > low && context > 0))
    throw configError("rope_scaling makes no sense.");
  return Float32Array.from({ length: Math.floor(dimensions / 2) }, (_, i) => {
    const wavelength = 2 * Math.PI * base ** ((2 * i) / dimensions);
    const smooth = (context / wavelength - low) / (high - low);
    if (smooth >= 1) return 1;
    return smooth <= 0 ? factor : 1 / ((1 - smooth) / factor + smooth);
  });
}

function yarnKeys(rope: Config, config: Config): Record<string, unknown> {
  const factor = rope.number("factor");
  if (rope.get("truncate") === false) {
    throw configError("YaRN without truncation is not supported.", "Get the model as GGUF, or another one.");
  }
  return {
    "rope.scaling.type": "yarn",
    "rope.scaling.factor": factor,
    "rope.scaling.original_context_length":
      rope.optionalNumber("original_max_position_embeddings") ?? config.number("max_position_embeddings"),
    "rope.scaling.yarn_beta_fast": rope.optionalNumber("beta_fast"),
    "rope.scaling.yarn_beta_slow": rope.optionalNumber("beta_slow"),
    // GGUF's factor comes on top of the magnitude that YaRN's paper gives.
    "rope.scaling.yarn_attn_factor": yarnMagnitude(rope, factor) / paperMagnitude(factor, 1),
  };
}

function paperMagnitude(factor: number, scale: number): number {
  return factor <= 1 ? 1 : 0.1 * scale * Math.log(factor) + 1;
}

/** As transformers infers it where the file does not say. */
function yarnMagnitude(rope: Config, factor: number): number {
  const given = rope.optionalNumber("attention_factor");
  if (given !== undefined) return given;
  const [above, below] = [rope.optionalNumber("mscale"), rope.optionalNumber("mscale_all_dim")];
  if (!above || !below) return paperMagnitude(factor, 1);
  return paperMagnitude(factor, above) / paperMagnitude(factor, below);
}

function longRope(rope: Config, config: Config, dimensions: number): Rope {
  const original =
    config.optionalNumber("original_max_position_embeddings") ??
    rope.number("original_max_position_embeddings");
  const stretch = config.number("max_position_embeddings") / original;
  const magnitude = stretch > 1 ? Math.sqrt(1 + Math.log(stretch) / Math.log(original)) : 1;
  const factors = (key: string) => {
    const list = rope.list(key, "number");
    if (list?.length === dimensions / 2) return Float32Array.from(list);
    throw configError(`rope_scaling.${key} should hold ${dimensions / 2} numbers.`);
  };
  return {
    keys: {
      "rope.scaling.type": "longrope",
      "rope.scaling.original_context_length": original,
      "rope.scaling.attn_factor": rope.optionalNumber("attention_factor") ?? magnitude,
    },
    factors: {
      "rope_factors_long.weight": factors("long_factor"),
      "rope_factors_short.weight": factors("short_factor"),
    },
  };
}
