/**
 * Loads the model file given first with the built packages and options given second as JSON, generates a few tokens, and
 * prints what became of the packed file, the tokens and the peak memory as JSON.
 */
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";

const [file, options, contextLength = "256"] = process.argv.slice(2);
const model = await loadModel(file, {
  backend: cpu({ threads: 2, ...JSON.parse(options) }),
  contextLength: Number(contextLength),
  maxSequences: 1,
});
const prompt = Array.from({ length: 130 }, (_, i) => 100 + 7 * i);
const { tokenIds } = await model.generate(prompt, {
  temperature: 0,
  maxTokens: 8,
  ignoreEndOfGeneration: true,
}).result;
const { engine } = model.backend.capabilities;
const { packedFile, weightBytes, estimate } = model.backend;
const peakBytes = process.resourceUsage().maxRSS * 1024;
console.log(
  JSON.stringify({ engine, packedFile, weightBytes, kvBytes: estimate.kvBytes, tokenIds, peakBytes }),
);
await model.dispose();
