// Speed of onnxruntime-node on the graph that onnx-model.mjs writes, as one JSON line (see work.mjs).
import { performance } from "node:perf_hooks";
import ort from "onnxruntime-node";
import { timeProducts } from "./onnx-products.mjs";
import { answer, measureRuns, parseWork, peakRssBytes } from "./work.mjs";

const work = parseWork();
const start = performance.now();
const session = await ort.InferenceSession.create(work.path, {
  executionProviders: ["cpu"],
  intraOpNumThreads: work.threads,
  interOpNumThreads: 1,
});
const loadMs = performance.now() - start;
const speeds = await measureRuns(work.repeat, () =>
  timeProducts(ort, session, work.promptTokens, work.genTokens),
);
answer(work, { engine: "native", loadMs, peakRssBytes: peakRssBytes(), ...speeds });
