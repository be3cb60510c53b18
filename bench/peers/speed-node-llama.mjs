// Speed of node-llama-cpp on one GGUF file, as one JSON line with the fields of `millet bench --json`.
//
//   node speed-node-llama.mjs <model.gguf> [--threads N] [--prompt-tokens N] [--gen-tokens N] [--repeat N]
//
// Measured as `millet bench` does: loadMs without the import of the library, one whole run to warm up, then
// medians of the repeated ones; end-of-generation tokens do not end a run.
import { basename } from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { getLlama } from "node-llama-cpp";
import { medianOf } from "./statistics.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    "prompt-tokens": { type: "string", default: "256" },
    "gen-tokens": { type: "string", default: "64" },
    repeat: { type: "string", default: "3" },
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

const loadStart = performance.now();
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

const runs = [];
for (let run = 0; run <= Number(values.repeat); run++) {
  await sequence.clearHistory();
  const speeds = await timed(ids, genTokens);
  if (run > 0) runs.push(speeds);
}

console.log(
  JSON.stringify({
    model: basename(path),
    backend: "node-llama-cpp",
    engine: "native",
    threads,
    loadMs: Math.round(loadMs),
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
    prefillTokensPerSecond: medianOf(runs.map(({ prefill }) => prefill)),
    decodeTokensPerSecond: medianOf(runs.map(({ decode }) => decode)),
  }),
);
await model.dispose();

/** Tokens per second: of the prompt with its first token, and of `count` greedy tokens more. */
async function timed(prompt, count) {
  const start = performance.now();
  let firstTokenMs;
  let generated = 0;
  for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    firstTokenMs ??= performance.now() - start;
    if (generated++ === count) break;
  }
  const restMs = performance.now() - start - firstTokenMs;
  return { prefill: rate(prompt.length, firstTokenMs), decode: rate(count, restMs) };
}

function rate(tokens, milliseconds) {
  return Number(((tokens * 1000) / milliseconds).toFixed(2));
}
