/**
 * Texts per second of an embedding model, by the length of the texts. Needs built packages (npm run build), and a model:
 *
 *     npx node scripts/make-random-model.mjs --shape minilm-l6 --dtype q8_0 --out minilm.gguf
 *     npx node bench/embeddings.mjs minilm.gguf --engine native --threads 2
 */
import { parseArgs } from "node:util";
import { cpu } from "@millet/backend-cpu";
import { loadModel } from "@millet/core";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: "string" },
    threads: { type: "string", default: "2" },
    lengths: { type: "string", default: "8,32,128,512" },
    tokens: { type: "string", default: "8192" },
    repeat: { type: "string", default: "5" },
  },
});
const backend = cpu({ engine: values.engine, threads: Number(values.threads) });
const model = await loadModel(positionals[0], { backend });
console.log(
  `${model.info.name}; ${model.backend.capabilities.description}; loaded in ${Math.round(model.loadMs)} ms`,
);

const median = (times) => times.sort((a, b) => a - b)[Math.floor(times.length / 2)];

for (const length of values.lengths.split(",").map(Number)) {
  const count = Math.ceil(Number(values.tokens) / length);
  const texts = Array.from({ length: count }, (_, t) =>
    Array.from({ length }, (_, i) => ((t * 7919 + i * 104_729) % (model.info.vocabularySize - 1)) + 1),
  );
  await model.embed(texts.slice(0, 64)); // the first call reserves the cache
  const times = [];
  for (let i = 0; i < Number(values.repeat); i++) {
    const begin = performance.now();
    await model.embed(texts);
    times.push(performance.now() - begin);
  }
  const alone = [];
  for (const text of texts.slice(0, 20)) {
    const begin = performance.now();
    await model.embed([text]);
    alone.push(performance.now() - begin);
  }
  const rate = (1000 * count) / median(times);
  console.log(
    `${String(length).padStart(4)} tokens: ${rate.toFixed(1)} texts/s (${Math.round(rate * length)} tokens/s), ` +
      `one alone in ${median(alone).toFixed(1)} ms`,
  );
}
await model.dispose();
