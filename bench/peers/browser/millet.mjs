// Millet in a page, over HTTP ranges. See ../speed-browser.mjs for what window.peer is.
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";

let model;

window.peer = {
  async load({ url, threads, contextTokens }) {
    const start = performance.now();
    model = await loadModel(url, {
      backend: cpu({ threads }),
      contextLength: contextTokens,
      maxSequences: 1,
    });
    const { capabilities } = model.backend;
    return {
      loadMs: performance.now() - start,
      threads: capabilities.threads,
      engine: capabilities.engine,
      vocabularySize: model.info.vocabularySize,
    };
  },

  async run({ ids, genTokens }) {
    const { timings } = await model.generate(ids, {
      temperature: 0,
      repetitionPenalty: 1,
      maxTokens: genTokens + 1, // the first one is prefill's
      ignoreEndOfGeneration: true,
    }).result;
    return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond };
  },
};
