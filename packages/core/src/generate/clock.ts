/** Times of one generation. */
import type { GenerationTimings } from "./result.js";

export class GenerationClock {
  readonly #called = performance.now();
  #started: number | undefined;
  #firstToken: number | undefined;
  #lastToken: number | undefined;
  #sampled = 0;

  /** The computation begins, if it has not begun before. */
  start(): void {
    this.#started ??= performance.now();
  }

  /** A token was chosen. */
  token(): void {
    this.#lastToken = performance.now();
    this.#firstToken ??= this.#lastToken;
    this.#sampled++;
  }

  /** @param prefillTokens prompt tokens that were computed */
  stop(prefillTokens: number): GenerationTimings {
    const now = performance.now();
    const started = this.#started ?? now;
    const prefillMs = (this.#firstToken ?? now) - started;
    const decodeTokens = Math.max(0, this.#sampled - 1);
    const decodeMs = (this.#lastToken ?? now) - (this.#firstToken ?? now);
    return {
      queueMs: started - this.#called,
      prefillTokens,
      prefillMs,
      prefillTokensPerSecond: rate(prefillTokens, prefillMs),
      decodeTokens,
      decodeMs,
      decodeTokensPerSecond: rate(decodeTokens, decodeMs),
      timeToFirstTokenMs: this.#firstToken === undefined ? undefined : this.#firstToken - this.#called,
      elapsedMs: now - this.#called,
    };
  }
}

function rate(tokens: number, elapsedMs: number): number {
  return tokens === 0 || elapsedMs <= 0 ? 0 : (tokens / elapsedMs) * 1000;
}
