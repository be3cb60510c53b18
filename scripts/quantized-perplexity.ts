/**
 * What prompts in 8 bits cost: perplexity of the shipped model on ONNX Runtime in float32 and with the uint8 products that
 * NNAPI computes, over the first 2,048 tokens of a text. The scales are those of other texts; see docs/nnapi.md for what came out.
 *
 *     npm run build
 *     node scripts/quantized-perplexity.ts ../shared/data/text/wikitext2-raw-test.txt 2048 CALIBRATION.txt...
 *
 * Each calibration text may end in "@from:tokens": the character from which on, and how many tokens of it are taken.
 */
import { readFile } from "node:fs/promises";
import { cpu } from "@millet/backend-cpu";
import { calibrate } from "@millet/backend-nnapi";
import { onnxRuntime } from "@millet/backend-nnapi/onnx";
import { loadModel } from "@millet/core";
import { openContainer } from "@millet/core/formats";
import { defineModel } from "@millet/core/models";
import { openSource } from "@millet/core/store";
import { modelTokenizer } from "@millet/core/tokenizer";
import smollm2 from "@millet/model-smollm2-135m-instruct";
import ort from "onnxruntime-node";

const [textFile, count, ...texts] = process.argv.slice(2);
const tokens = Number(count);
if (textFile === undefined || !(tokens > 1) || texts.length === 0)
  throw new Error("Usage: node scripts/quantized-perplexity.ts TEXT TOKENS CALIBRATION[@from:tokens]...");

const file = await openContainer(await openSource(smollm2), {});
const tokenizer = await modelTokenizer(file.metadata);
const calibrationIds: number[] = [];
for (const text of texts) {
  const [path = "", place = "0:1024"] = text.split("@");
  const [from = 0, most = 1024] = place.split(":").map(Number);
  const part = (await readFile(path, "utf8")).slice(from, from + 16 * most);
  calibrationIds.push(...[...tokenizer.encode(part)].slice(0, most));
}
const calibration = await calibrate(await defineModel(file), calibrationIds, { backend: cpu() });
await file.close();

const ids = [...tokenizer.encode((await readFile(textFile, "utf8")).slice(0, 16 * tokens))].slice(0, tokens);
const perplexities: number[] = [];
for (const scales of [undefined, calibration]) {
  const backend = onnxRuntime({ ort, activations: "float32", calibration: scales });
  const model = await loadModel(smollm2, { backend, contextLength: Math.max(2, tokens), maxSequences: 1 });
  perplexities.push((await model.score(ids)).perplexity);
  await model.dispose();
}
const [exact = 0, rounded = 0] = perplexities;
console.log(
  `float32 ${exact.toFixed(4)}, uint8 ${rounded.toFixed(4)}: ${((rounded / exact - 1) * 100).toFixed(2)}%`,
);
