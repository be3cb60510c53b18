// onnxruntime-web in a page: the matrix products of a model (see ../onnx-model.mjs), for 1 row and for a prompt's
// rows. See ../speed-browser.mjs for what window.peer is.
import * as ort from "onnxruntime-web/wasm";
import { timeProducts } from "../onnx-products.mjs";

let session;

window.peer = {
  async load({ url, threads }) {
    const start = performance.now();
    ort.env.wasm.numThreads = threads;
    ort.env.wasm.wasmPaths = { mjs: "/engine.mjs", wasm: "/engine.wasm" };
    session = await ort.InferenceSession.create(url, { executionProviders: ["wasm"] });
    return { loadMs: performance.now() - start, threads, engine: "wasm", vocabularySize: 2 };
  },

  run: ({ ids, genTokens }) => timeProducts(ort, session, ids.length, genTokens),
};
