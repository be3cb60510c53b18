// wllama in a page, on the CPU. See ../speed-browser.mjs for what window.peer is. It takes the file as a Blob and a
// prompt as text only: digits, which are a token each in random models and in SmolLM2; it counts its tokens and tells
// times by itself (a stream would hide tokens that are parts of a character).
import { LoggerWithoutDebug, Wllama } from "@wllama/wllama";
import { rate } from "../prompt.mjs";

let wllama;

window.peer = {
  async load({ url, threads, contextTokens }) {
    const start = performance.now();
    const quiet = { suppressNativeLog: true, logger: LoggerWithoutDebug };
    wllama = new Wllama({ default: new URL("/engine.wasm", location.href).href }, quiet);
    const file = await (await fetch(url)).blob();
    await wllama.loadModel([file], {
      n_ctx: contextTokens,
      n_threads: threads,
      n_gpu_layers: 0,
      n_parallel: 1,
    });
    return {
      loadMs: performance.now() - start,
      threads: wllama.getNumThreads(),
      engine: "wasm",
      vocabularySize: wllama.getLoadedContextInfo().n_vocab,
    };
  },

  async run({ ids, genTokens }) {
    const { timings } = await wllama.createCompletion({
      prompt: ids.map((id) => id % 10).join(""),
      max_tokens: genTokens + 1, // the first one is prefill's
      temperature: 0,
      ignore_eos: true,
    });
    const { prompt_n, prompt_ms, predicted_n, predicted_ms } = timings;
    if (prompt_n < 0.9 * ids.length || predicted_n !== genTokens + 1) {
      throw new Error(
        `wllama read ${prompt_n} tokens and wrote ${predicted_n}, which is not what was asked for`,
      );
    }
    return { prefill: rate(prompt_n, prompt_ms), decode: rate(predicted_n - 1, predicted_ms) };
  },
};
