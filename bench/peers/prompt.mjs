// The prompt that every engine of a speed comparison reads, and how its speed is told.

/**
 * `count` token ids spread over the vocabulary (Knuth's multiplicative hash). Another `run` begins otherwise,
 * so that no engine finds the beginning of a prompt in its KV cache.
 */
export function promptIds(count, vocabularySize, run) {
  return Array.from({ length: count }, (_, i) => ((i + 1 + run * 100_003) * 2654435761) % vocabularySize);
}

/** Tokens per second, to two decimals. */
export function rate(tokens, milliseconds) {
  return Number(((tokens * 1000) / milliseconds).toFixed(2));
}
