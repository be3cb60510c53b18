/** Results of generations as text and as JSON. */
import type { BackendReport, FinishReason, GenerationResult } from "@millet/core";
import { formatCount, formatMs, formatSpeed } from "./format.js";

/** Why a text ended, where its reader should know. */
export function endingNote(reason: FinishReason): string | undefined {
  switch (reason) {
    case "stop":
    case "stop-string":
      return undefined;
    case "length":
      return "(ended by --max-tokens)";
    case "context-full":
      return "(the context is full; --context-length makes it longer, --context-full slide forgets the oldest)";
    case "aborted":
      return "(stopped)";
    default:
      return reason satisfies never;
  }
}

/** One line about one generation. */
export function statsLine({ timings, reusedTokens, tokenIds, sampler }: GenerationResult): string {
  const { prefillTokens, prefillTokensPerSecond, decodeTokensPerSecond, timeToFirstTokenMs } = timings;
  const reused = reusedTokens > 0 ? ` (${formatCount(reusedTokens)} more were known)` : "";
  return [
    `prompt ${formatCount(prefillTokens)} tokens${reused} at ${formatSpeed(prefillTokensPerSecond)}/s`,
    `text ${formatCount(tokenIds.length)} tokens at ${formatSpeed(decodeTokensPerSecond)}/s`,
    ...(timeToFirstTokenMs === undefined ? [] : [`first token after ${formatMs(timeToFirstTokenMs)}`]),
    `seed ${sampler.seed}`,
  ].join(", ");
}

/** A result as plain data. */
export function resultJson(
  result: GenerationResult,
  name: string,
  backend: BackendReport,
): Record<string, unknown> {
  const { sampler, ...rest } = result;
  return {
    model: name,
    backend: backend.name,
    ...rest,
    sampler: { ...sampler, logitBias: Object.fromEntries(sampler.logitBias) },
  };
}
