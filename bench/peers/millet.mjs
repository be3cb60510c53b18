// Millet's built packages behind the same small interface as node-llama.mjs (see measure.mjs).
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";
import { BEST_TOKENS } from "./measure.mjs";

/**
 * Opens a GGUF file (the first shard of a split one) on the CPU backend.
 * @param {string} path
 * @param {{ threads?: number, engine?: string, contextTokens?: number }} [options]
 */
export async function open(path, { threads = 2, engine = "auto", contextTokens = 2304 } = {}) {
  const model = await loadModel(path, {
    backend: cpu({ threads, engine }),
    contextLength: contextTokens,
    maxSequences: 1,
  });
  const { tokenizer } = model;

  return {
    name: "millet",
    settings: { backend: model.backend.name, threads, engine },

    encode: (text, { special }) => tokenizer.encode(text, { parseSpecial: special, addBos: false }),

    async greedy(ids, count) {
      const { logprobs } = await model.generate(ids, {
        temperature: 0,
        repetitionPenalty: 1,
        maxTokens: count,
        logprobs: BEST_TOKENS,
        ignoreEndOfGeneration: true, // so that the token that ends the text is reported as well
      }).result;
      const end = logprobs.findIndex(({ id }) => tokenizer.endOfGenerationIds.includes(id));
      const kept = end < 0 ? logprobs : logprobs.slice(0, end + 1);
      return kept.map(({ top }) => top.map(({ id, logprob }) => ({ id, score: logprob })));
    },

    async negativeLogLikelihoods(ids) {
      const { logprobs } = await model.score(ids, { addBos: false });
      return Array.from(logprobs, (logprob) => -logprob);
    },

    dispose: () => model.dispose(),
  };
}
