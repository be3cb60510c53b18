// Runs one engine over the inputs and returns plain data, the same shape for every engine.
//
// An engine is { name, settings, encode(text, { special }) -> ids, greedy(ids, count) -> per step the
// BEST_TOKENS best { id, score }, negativeLogLikelihoods(ids) -> one per token after the first, dispose() }.
// A score is a logit or a log-probability: only differences within one step mean anything.
import { readFile } from "node:fs/promises";
import { PROMPTS, TEXTS } from "./inputs.mjs";

export const GREEDY_TOKENS = 64;
export const BEST_TOKENS = 4;
export const PERPLEXITY_TOKENS = 2048;

// 2,048 tokens of English need fewer characters than this; encoding the whole file would be a waste.
const TEXT_CHARACTERS = 40_000;

const round = (value) => Number(value.toFixed(5));

/**
 * @param {object} engine see above
 * @param {string} [textFile] the text for perplexity; left out, perplexity is not measured
 * @param {(line: string) => void} [log]
 */
export async function measure(engine, textFile, log = () => {}) {
  const texts = [];
  for (const text of TEXTS) texts.push({ text, ids: await engine.encode(text, { special: false }) });

  const greedy = [];
  for (const [i, { text, special }] of PROMPTS.entries()) {
    const prompt = await engine.encode(text, { special });
    const steps = await engine.greedy(prompt, GREEDY_TOKENS);
    greedy.push({
      text,
      prompt,
      ids: steps.map(([best]) => best.id),
      best: steps.map((best) => best.map(({ id, score }) => [id, round(score)])),
    });
    log(`${engine.name}: prompt ${i + 1} of ${PROMPTS.length}, ${steps.length} tokens`);
  }

  const perplexity = textFile === undefined ? null : await measurePerplexity(engine, textFile);
  if (perplexity) log(`${engine.name}: perplexity ${perplexity.value}`);
  return { engine: engine.name, settings: engine.settings, texts, greedy, perplexity };
}

async function measurePerplexity(engine, textFile) {
  const text = (await readFile(textFile, "utf8")).slice(0, TEXT_CHARACTERS);
  const ids = (await engine.encode(text, { special: false })).slice(0, PERPLEXITY_TOKENS);
  if (ids.length < PERPLEXITY_TOKENS) {
    throw new Error(`${textFile} gives only ${ids.length} tokens; perplexity needs ${PERPLEXITY_TOKENS}`);
  }
  const losses = await engine.negativeLogLikelihoods(ids);
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  return {
    tokens: ids.length,
    idsChecksum: checksum(ids),
    value: round(Math.exp(mean)),
    losses: losses.map(round),
  };
}

/** Tells two token sequences apart without storing the text that they spell. */
function checksum(ids) {
  return ids.reduce((hash, id) => (Math.imul(hash, 31) + id) >>> 0, 7);
}
