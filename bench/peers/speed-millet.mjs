// Speed of Millet's built packages in Node on one GGUF file, as one JSON line (see work.mjs); --engine wasm, native or webgpu.
import { cpu } from "@millet/backend-cpu";
import { webgpu } from "@millet/backend-webgpu";
import { loadModel } from "@millet/core";
import { promptIds } from "./prompt.mjs";
import { answer, measureRuns, parseWork, peakRssBytes } from "./work.mjs";

const work = parseWork();
const model = await loadModel(work.path, {
  backend:
    work.engine === "webgpu" ? webgpu() : cpu({ threads: work.threads, engine: work.engine, isa: work.isa }),
  contextLength: work.contextTokens,
  maxSequences: 1,
  kvDType: work.kvDType,
});
const speeds = await measureRuns(work.repeat, async (run) => {
  const prompt = promptIds(work.promptTokens, model.info.vocabularySize, run);
  const { timings } = await model.generate(prompt, {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: work.genTokens + 1, // the first one is prefill's
    ignoreEndOfGeneration: true,
  }).result;
  return { prefill: timings.prefillTokensPerSecond, decode: timings.decodeTokensPerSecond };
});
const { engine, description } = model.backend.capabilities;
const { weightBytes } = model.info;
answer(work, {
  engine,
  description,
  weightBytes,
  loadMs: model.loadMs,
  peakRssBytes: peakRssBytes(),
  ...speeds,
});
await model.dispose();
