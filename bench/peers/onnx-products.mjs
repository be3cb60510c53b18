// Times a session of onnx-model.mjs's graph; serves onnxruntime-node and onnxruntime-web.
import { rate } from "./prompt.mjs";

/** Tokens per second: `promptTokens` rows in one product, and `genTokens` single rows one after the other. */
export async function timeProducts(ort, session, promptTokens, genTokens) {
  const promptMs = await elapsed(ort, session, promptTokens, 1);
  const genMs = await elapsed(ort, session, 1, genTokens);
  return { prefill: rate(promptTokens, promptMs), decode: rate(genTokens, genMs) };
}

async function elapsed(ort, session, rows, times) {
  const width = session.inputMetadata[0].shape[1];
  const data = Float32Array.from({ length: rows * width }, (_, i) => Math.sin(i));
  const x = new ort.Tensor("float32", data, [rows, width]);
  const start = performance.now();
  for (let i = 0; i < times; i++) await session.run({ x });
  return performance.now() - start;
}
