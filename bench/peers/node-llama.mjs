// node-llama-cpp behind the small interface that the comparison needs (see measure.mjs).
// Defaults are its own, as its users run it, save the number of threads and no GPU. Its flash attention
// rounds to F16 inside whatever the KV type, so a precise reference wants { precise: true }: plain
// attention and an F32 cache.
import { readFileSync } from "node:fs";
import { getLlama } from "node-llama-cpp";
import { BEST_TOKENS } from "./measure.mjs";

const EVALUATION_BATCH = 512;
const VERSION = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8")).dependencies[
  "node-llama-cpp"
];

/**
 * Opens a GGUF file (the first shard of a split one).
 * @param {string} path
 * @param {{ threads?: number, contextTokens?: number, precise?: boolean }} [options]
 */
export async function open(path, { threads = 2, contextTokens = 2304, precise = false } = {}) {
  const kvType = precise ? "F32" : "F16";
  const flashAttention = precise ? false : "auto";
  const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
  const model = await llama.loadModel({ modelPath: path });
  const context = await model.createContext({
    contextSize: contextTokens,
    batchSize: EVALUATION_BATCH,
    threads: { ideal: threads, min: threads },
    flashAttention,
    experimentalKvCacheKeyType: kvType,
    experimentalKvCacheValueType: kvType,
  });
  const sequence = context.getSequence();

  return {
    name: "node-llama-cpp",
    settings: { version: VERSION, threads, kvType, flashAttention, batchTokens: EVALUATION_BATCH },

    /** Token ids without BOS; special says whether control tokens in the text are parsed. */
    encode: (text, { special }) => model.tokenize(text, special),

    /** Greedy continuation, up to and including an end-of-generation token; the best tokens per step. */
    async greedy(ids, count) {
      await sequence.clearHistory();
      const steps = [];
      let input = ids;
      while (steps.length < count) {
        const best = await bestTokens(sequence, input);
        steps.push(best);
        if (model.isEogToken(best[0].id)) break;
        input = [best[0].id];
      }
      return steps;
    },

    /** -ln p(ids[i] | ids[0..i-1]) for i = 1 .. ids.length - 1. */
    async negativeLogLikelihoods(ids) {
      await sequence.clearHistory();
      const wanted = ids.slice(0, -1).map((id, i) => [
        id,
        {
          generateNext: {
            totalLogitWeight: true,
            logits: { filter: { tokens: [ids[i + 1]], includeTop: 1 } },
          },
        },
      ]);
      const outputs = await sequence.controlledEvaluate(wanted);
      return outputs.map(({ next }, i) => {
        // totalLogitWeight is the sum of exp(logit - largest logit).
        const largest = Math.max(...next.logits.values());
        return Math.log(next.totalLogitWeight) + largest - next.logits.get(ids[i + 1]);
      });
    },

    async dispose() {
      await model.dispose();
      await llama.dispose();
    },
  };
}

async function bestTokens(sequence, ids) {
  const last = ids.length - 1;
  const input = ids.map((id, i) =>
    i < last ? id : [id, { generateNext: { logits: { filter: { tokens: [], includeTop: BEST_TOKENS } } } }],
  );
  const outputs = await sequence.controlledEvaluate(input);
  return [...outputs[last].next.logits].map(([id, logit]) => ({ id, score: logit }));
}
