/** A model that writes and embeds texts holds each of its matrices in one session, in shards too. */
import { loadModel } from "@millet/core";
import ort from "onnxruntime-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readOnnx } from "../../src/onnx/read.js";
import { type OrtLike, type OrtSessionOptions, onnxRuntime } from "../../src/onnx.js";
import { makeTinyModel, type TinyModel } from "../support/tiny-model.js";

let tiny: TinyModel;
beforeAll(async () => {
  tiny = await makeTinyModel();
});
afterAll(() => tiny.remove());

/** Smaller constants are shapes and norms. */
const MATRIX_BYTES = 4096;

async function load(shardBytes?: number) {
  const opened: Uint8Array[] = [];
  const runtime: OrtLike = {
    Tensor: ort.Tensor,
    InferenceSession: {
      create(model: string | Uint8Array, options?: OrtSessionOptions) {
        opened.push(model as Uint8Array);
        return ort.InferenceSession.create(model as Uint8Array, options);
      },
    },
  };
  const session = { intraOpNumThreads: 1 };
  const model = await loadModel(tiny.path, {
    backend: onnxRuntime({ ort: runtime, session, shardBytes, attention: "grouped" }),
  });
  const { tokenIds } = await model.generate([5, 6, 7], { temperature: 0, maxTokens: 4 }).result;
  const embeddings = await model.embed([[5, 6, 7]]);
  await model.dispose();
  const matrices = opened.flatMap((bytes) =>
    readOnnx(bytes)
      .graph.initializers.filter(({ data }) => data !== "external" && data.byteLength > MATRIX_BYTES)
      .map(({ name }) => name),
  );
  return { opened, matrices, tokenIds, embeddings };
}

test("each matrix is in one session", async () => {
  const whole = await load();
  expect(whole.opened.length).toBeLessThanOrEqual(3);
  expect(whole.matrices.length).toBeGreaterThan(5);
  expect(new Set(whole.matrices).size).toBe(whole.matrices.length);
  const largest = Math.max(...whole.opened.map(({ byteLength }) => byteLength));
  const cut = await load(largest / 2);
  expect(cut.opened.length).toBeGreaterThan(whole.opened.length);
  expect([...cut.matrices].sort()).toEqual([...whole.matrices].sort());
  expect(cut.tokenIds).toEqual(whole.tokenIds);
  expect(cut.embeddings).toEqual(whole.embeddings);
});
