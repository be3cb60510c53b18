// Speed of node-llama-cpp on one GGUF file, as one JSON line (see work.mjs). loadMs is without the import of the
// library; end-of-generation tokens do not end a run. --engine vulkan takes all layers to the GPU, or fails.
import { performance } from "node:perf_hooks";
import { getLlama } from "node-llama-cpp";
import { promptIds, rate } from "./prompt.mjs";
import { answer, measureRuns, parseWork, peakRssBytes } from "./work.mjs";

const work = parseWork();
const { threads, promptTokens, genTokens } = work;

const loadStart = performance.now();
const vulkan = work.engine === "vulkan";
const llama = await getLlama({
  gpu: vulkan ? "vulkan" : false,
  build: "never",
  maxThreads: threads,
  logLevel: "error",
});
const model = await llama.loadModel({ modelPath: work.path, ...(vulkan && { gpuLayers: "max" }) });
const [device] = vulkan ? await llama.getGpuDeviceNames() : [];
if (vulkan && device === undefined) throw new Error("node-llama-cpp finds no Vulkan device.");
const context = await model.createContext({
  contextSize: work.contextTokens,
  threads: { ideal: threads, min: threads },
});
const sequence = context.getSequence();
const loadMs = performance.now() - loadStart;

const vocabularySize = [...model.iterateAllTokens()].length;
const speeds = await measureRuns(work.repeat, async (run) => {
  await sequence.clearHistory();
  return timed(promptIds(promptTokens, vocabularySize, run));
});
answer(work, {
  engine: vulkan ? "vulkan" : "native",
  device,
  loadMs,
  peakRssBytes: peakRssBytes(),
  ...speeds,
});
await model.dispose();

/** Tokens per second: of the prompt with its first token, and of the greedy tokens after it. */
async function timed(prompt) {
  const start = performance.now();
  let firstTokenMs;
  let generated = 0;
  for await (const _ of sequence.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
    firstTokenMs ??= performance.now() - start;
    if (generated++ === genTokens) break;
  }
  const restMs = performance.now() - start - firstTokenMs;
  return { prefill: rate(prompt.length, firstTokenMs), decode: rate(genTokens, restMs) };
}
