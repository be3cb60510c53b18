/**
 * What most decoders have in common with Llama: sizes, RMSNorm, RoPE and sliding windows, read into a spec that an
 * architecture then changes where it differs.
 */
import { ConfigReader } from "../config.js";
import type { ModelFiles } from "../definition.js";
import { type RopeByContext, readRope } from "./rope.js";
import { type DecoderSizes, readSizes } from "./sizes.js";
import type { DecoderSpec } from "./spec.js";
import { layerWindows } from "./windows.js";

export interface LlamaLikeOptions {
  /**
   * Whether GGUF's converter orders rows of q and k for RoPE of pairs (2i, 2i + 1), as it does for llama-type models.
   * Hugging Face files have halves always.
   */
  readonly permuted?: boolean;
  /** Every so many layers one has no window, where the file does not say which. Default: all have it. */
  readonly windowPeriod?: number;
}

export interface LlamaLike {
  readonly config: ConfigReader;
  readonly sizes: DecoderSizes;
  readonly rope: RopeByContext;
  readonly windows: readonly (number | undefined)[];
  readonly spec: DecoderSpec;
}

/** @throws MilletError MODEL_BAD_CONFIG, MODEL_TENSOR_* for factors of RoPE */
export async function readLlamaLike(
  architecture: string,
  { metadata, weights, container }: ModelFiles,
  { permuted = false, windowPeriod }: LlamaLikeOptions = {},
): Promise<LlamaLike> {
  const config = new ConfigReader(architecture, metadata);
  const sizes = readSizes(config, weights);
  const epsilon = config.number("attention.layer_norm_rms_epsilon", { min: 0, max: 1 });
  const windows = layerWindows(config, sizes.layers, windowPeriod);
  const interleaved = permuted && container === "gguf";
  const rope = await readRope(config, weights, { headDim: sizes.headDim, interleaved });
  const attention: DecoderSpec["attention"] = (layer, contextTokens) => ({
    rope: rope(contextTokens),
    window: windows[layer],
  });
  return { config, sizes, rope, windows, spec: { sizes, norm: { kind: "rms", epsilon }, attention } };
}
