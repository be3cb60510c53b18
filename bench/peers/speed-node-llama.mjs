// Speed of node-llama-cpp on one GGUF file, as one JSON line with the fields of `millet bench --json`.
//
//   node speed-node-llama.mjs <model.gguf> [--threads N] [--prompt-tokens N] [--gen-tokens N]
//
// loadMs runs from the import to a ready context. A short warm-up touches the memory-mapped weights first.
import { basename } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    "prompt-tokens": { type: "string", default: "256" },
    "gen-tokens": { type: "string", default: "64" },
  },
});
if (positionals.length !== 1) {
  console.error(
    "usage: speed-node-llama.mjs <model.gguf> [--threads N] [--prompt-tokens N] [--gen-tokens N]",
  );
  process.exit(2);
}
const [path] = positionals;
const threads = Number(values.threads);
const promptTokens = Number(values["prompt-tokens"]);
const genTokens = Number(values["gen-tokens"]);
const WARM_UP_TOKENS = 16;

const loadStart = performance.now();
const { getLlama } = await import("node-llama-cpp");
const llama = await getLlama({ gpu: false, build: "never", maxThreads: threads, logLevel: "error" });
const model = await llama.loadModel({ modelPath: path });
const context = await model.createContext({
  contextSize: promptTokens + genTokens + 1,
  threads: { ideal: threads, min: threads },
});
const sequence = context.getSequence();
const loadMs = performance.now() - loadStart;

const vocabularySize = [...model.iterateAllTokens()].length;
/** Ids spread over the vocabulary, the same in every run (Knuth's multiplicative hash). */
const ids = Array.from({ length: promptTokens }, (_, i) => ((i + 1) * 2654435761) % vocabularySize);

await timed(ids.slice(0, WARM_UP_TOKENS), 2);
await sequence.clearHistory();
const { firstTokenMs, restMs } = await timed(ids, genTokens);

console.log(
  JSON.stringify({
    model: basename(path),
    backend: "node-llama-cpp",
    engine: "native",
    threads,
    loadMs: Math.round(loadMs),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    prefillTokensPerSecond: rate(promptTokens, firstTokenMs),
    decodeTokensPerSecond: rate(genTokens, restMs),
  }),
);
await model.dispose();

/** Evaluates the prompt, then `count` more greedy tokens on top of the first. */
async function timed(prompt, count) {
  const start = performance.now();
  let firstTokenMs;
  let generated = 0;
  for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    firstTokenMs ??= performance.now() - start;
    if (generated++ === count) break;
  }
  return { firstTokenMs, restMs: performance.now() - start - firstTokenMs };
}

function rate(tokens, milliseconds) {
  return Number(((tokens * 1000) / milliseconds).toFixed(2));
}
