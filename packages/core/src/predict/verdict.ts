/** What to tell people about a prediction. Pure. */

import type { Speeds } from "./compose.js";
import type { MemoryPrediction, Verdict } from "./types.js";

/** About as fast as people read (Brysbaert 2019: 238 words a minute, some 1.3 tokens a word). */
const READING_TOKENS_PER_SECOND = 5;
const PATIENCE_MS = 20_000;

export interface Judgement {
  readonly verdict: Verdict;
  readonly reason: string;
}

/**
 * Whether it fits.
 * @param limit what the backend reaches, @param free what the machine has; undefined if nobody says
 */
export function judgeMemory(
  memory: MemoryPrediction,
  limit: number | undefined,
  free: number | undefined,
): Judgement | undefined {
  const needed = memory.peakBytes - memory.kvBytes + memory.fullKvBytes;
  const what = `It needs ${size(needed)} with its context full (${size(memory.weightBytes)} are weights)`;
  if (limit !== undefined && needed - memory.hostBytes > limit) {
    return unfit(`${what}, and the backend reaches ${size(limit)}.`);
  }
  if (free !== undefined && needed > free) return unfit(`${what}, and ${size(free)} are free.`);
  return undefined;
}

function unfit(reason: string): Judgement {
  const next = "A shorter contextLength, a smaller kvDType, or a smaller model or quantization may fit.";
  return { verdict: "does not fit", reason: `${reason} ${next}` };
}

export function judgeSpeed(
  { prefillTokensPerSecond, decodeTokensPerSecond }: Speeds,
  promptTokens: number,
): Judgement {
  const decode = decodeTokensPerSecond.value;
  const waitMs = (1000 * promptTokens) / prefillTokensPerSecond.value;
  const speeds = `${rate(decode)} tokens/s, and the answer to a prompt of ${promptTokens} tokens begins after ${seconds(waitMs)}`;
  if (decode < READING_TOKENS_PER_SECOND) {
    return {
      verdict: "slow",
      reason: `Slower than people read (${READING_TOKENS_PER_SECOND} tokens/s): ${speeds}.`,
    };
  }
  if (waitMs > PATIENCE_MS) return { verdict: "slow", reason: `A long wait: ${speeds}.` };
  return { verdict: "runs well", reason: `It writes ${speeds}.` };
}

function size(bytes: number): string {
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

function rate(perSecond: number): string {
  return perSecond.toFixed(perSecond < 10 ? 1 : 0);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}
