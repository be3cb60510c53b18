// Speed of onnxruntime-node on the graph that onnx-model.mjs writes, as one JSON line (see work.mjs); --engine webgpu is
// its WebGPU provider.
import { performance } from "node:perf_hooks";
import ort from "onnxruntime-node";
import { timeProducts } from "./onnx-products.mjs";
import { answer, measureRuns, parseWork, peakRssBytes } from "./work.mjs";

const work = parseWork();
const provider = work.engine === "webgpu" ? "webgpu" : "cpu";
const start = performance.now();
const session = await ort.InferenceSession.create(work.path, {
  executionProviders: [provider],
  intraOpNumThreads: work.threads,
  interOpNumThreads: 1,
});
const loadMs = performance.now() - start;
const speeds = await measureRuns(work.repeat, () =>
  timeProducts(ort, session, work.promptTokens, work.genTokens),
);
answer(work, {
  engine: provider === "cpu" ? "native" : provider,
  loadMs,
  peakRssBytes: peakRssBytes(),
  ...speeds,
});
