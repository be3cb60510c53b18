/**
 * What the sampler asks of the logits at one position, so that it need not know where they come from: a whole row of
 * them, or the few that a device sent. Logits that are NaN or -Infinity belong to no token that could be chosen.
 */
import { logSumExp, topTokens } from "./top-tokens.js";

/** Tokens and their logits side by side, best first; of equal logits the lower id comes first. */
export interface RankedTokens {
  readonly ids: Int32Array;
  readonly logits: Float32Array;
  /** Whether these are as many as were asked for, or all that there are; if not, the ones after them are not known. */
  readonly complete: boolean;
}

export interface Distribution {
  /** Size of the vocabulary. */
  readonly size: number;
  /** The `count` most likely tokens, or as many of them as are known. */
  top(count: number): RankedTokens;
  /** log(sum(exp(logits))), and how far that may be off. */
  total(): { readonly logSum: number; readonly error: number };
  /** The logit of a token, if known; -Infinity or NaN for one that could not be chosen. */
  logitOf(id: number): number | undefined;
  /** Every logit by id, if known. [size] */
  readonly all: Float32Array | undefined;
}

/** The distribution that a whole row of logits gives. [vocabulary] */
export function rowDistribution(logits: Float32Array): Distribution {
  const top = (count: number): RankedTokens => {
    const ids = topTokens(logits, count);
    const ranked = new Float32Array(ids.length);
    for (let i = 0; i < ids.length; i++) ranked[i] = logits[ids[i]!]!;
    return { ids, logits: ranked, complete: true };
  };
  return {
    size: logits.length,
    top,
    logitOf: (id) => logits[id],
    total: () => ({ logSum: logSumExp(logits), error: 0 }),
    all: logits,
  };
}
