/** What a model's files recommend for sampling: GGUF's `general.sampling.*`. Values that make no sense are passed over. */
import type { SamplingOptions } from "../generate/options.js";

export function fileDefaults(metadata: ReadonlyMap<string, unknown>): SamplingOptions {
  const number = (key: string, least: number, most = Number.MAX_VALUE) => {
    const value = metadata.get(`general.sampling.${key}`);
    return typeof value === "number" && value >= least && value <= most ? value : undefined;
  };
  const whole = (key: string) => {
    const value = number(key, 0, Number.MAX_SAFE_INTEGER);
    return Number.isInteger(value) ? value : undefined;
  };
  return {
    temperature: number("temp", 0),
    topK: whole("top_k"),
    topP: number("top_p", 0, 1),
    minP: number("min_p", 0, 1),
    repetitionPenalty: number("penalty_repeat", Number.MIN_VALUE),
    penaltyTokens: whole("penalty_last_n"),
  };
}
