// Compares two results of measure.mjs. Pure: no engine, no files.

/** Perplexities may differ by this share. */
export const PERPLEXITY_TOLERANCE = 0.005;
/**
 * Logits this close are a near-tie. node-llama-cpp parts from itself at gaps of up to 0.35 when only its
 * attention kernel and the type of its cache change, so anything below 0.5 says nothing about correctness.
 */
export const NEAR_TIE = 0.5;

const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** Texts and prompts whose token ids differ. */
export function differingIds(reference, candidate) {
  const texts = reference.texts.filter(({ ids }, i) => !same(ids, candidate.texts[i].ids));
  const prompts = reference.greedy.filter(({ prompt }, i) => !same(prompt, candidate.greedy[i].prompt));
  return [...texts, ...prompts].map(({ text }) => text);
}

/**
 * Where greedy texts part. The gap is how far, in the reference's own scores, its choice stands above the
 * candidate's; Infinity if that is not among the best it recorded.
 */
export function partings(reference, candidate) {
  const found = [];
  for (const [i, { text, ids, best }] of reference.greedy.entries()) {
    const other = candidate.greedy[i].ids;
    const longer = other.length > ids.length ? other : ids;
    const step = longer.findIndex((_, k) => ids[k] !== other[k]);
    if (step < 0) continue;
    const chosen = best[step]?.find(([id]) => id === other[step]);
    const gap = chosen === undefined ? Infinity : best[step][0][1] - chosen[1];
    found.push({ text, step, reference: ids[step], candidate: other[step], gap, nearTie: gap <= NEAR_TIE });
  }
  return found;
}

/** Ratio of perplexities, and how the losses of single tokens differ; null if one was not measured. */
export function perplexityRatio({ perplexity: reference }, { perplexity: candidate }) {
  if (!reference || !candidate) return null;
  const differences = reference.losses
    .map((loss, i) => Math.abs(loss - candidate.losses[i]))
    .sort((a, b) => a - b);
  const ratio = candidate.value / reference.value;
  return {
    reference: reference.value,
    candidate: candidate.value,
    ratio,
    medianLossDifference: differences[differences.length >> 1],
    largestLossDifference: differences.at(-1),
    sameTokens: reference.idsChecksum === candidate.idsChecksum,
    within: Math.abs(ratio - 1) <= PERPLEXITY_TOLERANCE,
  };
}

/** All of it, with `pass`: ids equal, partings near-ties, perplexity (if measured) within tolerance. */
export function verdict(reference, candidate) {
  const ids = differingIds(reference, candidate);
  const parted = partings(reference, candidate);
  const perplexity = perplexityRatio(reference, candidate);
  const pass =
    ids.length === 0 &&
    parted.every(({ nearTie }) => nearTie) &&
    (perplexity === null || (perplexity.within && perplexity.sameTokens));
  return { pass, differingIds: ids, greedyTexts: reference.greedy.length, partings: parted, perplexity };
}
