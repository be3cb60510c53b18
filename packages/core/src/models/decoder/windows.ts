/** Which layers attend within a sliding window. */
import type { ConfigReader } from "../config.js";

/**
 * The window of each layer, undefined where a layer sees everything before it. Keys: attention.sliding_window (0 or
 * missing: none) and attention.sliding_window_pattern, which says of each layer whether it has the window, or as a number
 * n that every n-th layer has not.
 * @param period the number where the file does not say; undefined: all layers have the window
 * @throws MilletError MODEL_BAD_CONFIG
 */
export function layerWindows(
  config: ConfigReader,
  layers: number,
  period?: number,
): readonly (number | undefined)[] {
  const window = config.integer("attention.sliding_window", { fallback: 0, min: 0 });
  const slides = slidingLayers(config, layers, period);
  return slides.map((has) => (has && window > 0 ? window : undefined));
}

/** Whether each layer would have a window if there is one. */
export function slidingLayers(config: ConfigReader, layers: number, period?: number): readonly boolean[] {
  const key = "attention.sliding_window_pattern";
  if (config.isList(key)) return config.flags(key, layers)!;
  const every = config.integer(key, { fallback: period ?? 0, min: 0 });
  return Array.from({ length: layers }, (_, layer) => every === 0 || (layer + 1) % every !== 0);
}
