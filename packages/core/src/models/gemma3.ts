/**
 * Gemma 3, text (arXiv 2503.19786): Gemma 2 with RMSNorm on each head of q and k in place of the soft caps, and a window in
 * five of six layers. Layers with a window rotate by a base of their own, unscaled.
 * Weights: gemma2's, blk.N.attn_{q,k}_norm of a head's length. Keys: llama's, attention.scale, rope.freq_base_swa.
 */
import { defineDecoder } from "./decoder/define.js";
import { gemmaAttentionScale, gemmaSpec } from "./decoder/gemma.js";
import { readLlamaLike } from "./decoder/llama-like.js";
import { readRope, readRotaryDim } from "./decoder/rope.js";
import { plainRotation } from "./decoder/rope-scaling.js";
import { slidingLayers } from "./decoder/windows.js";
import type { Architecture } from "./definition.js";

const LAYERS_OF_27B = 62;
const WINDOW_PERIOD = 6;

export const gemma3: Architecture = {
  name: "gemma3",
  async define(files) {
    const { config, sizes, windows, spec } = await readLlamaLike("gemma3", files, {
      windowPeriod: WINDOW_PERIOD,
    });
    const { headDim, layers } = sizes;
    const whole = await readRope(config, files.weights, { headDim, interleaved: false, defaultBase: 1e6 });
    const base = config.number("rope.freq_base_swa", { fallback: 10000, min: 1 });
    const local = { ...plainRotation(base, readRotaryDim(config, headDim)), interleaved: false };
    const slides = slidingLayers(config, layers, WINDOW_PERIOD);
    const gemma = {
      ...gemmaSpec(spec),
      queryKeyNorm: "heads" as const,
      attentionScale: gemmaAttentionScale(config, sizes, LAYERS_OF_27B),
      attention: (layer: number, contextTokens: number) => ({
        rope: slides[layer] ? local : whole(contextTokens),
        window: windows[layer],
      }),
    };
    return defineDecoder("gemma3", gemma, files.weights);
  },
};
