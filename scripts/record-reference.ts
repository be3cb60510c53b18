/**
 * Records what the reference backend makes of the shipped model: the natural log-probability of each of the first
 * 2,048 tokens of a text, given all before it. Backends are held against it (packages/model-smollm2-135m-instruct/test).
 * Takes some ten minutes on one core:
 *
 *     npm run build
 *     node scripts/record-reference.ts ../shared/data/text/wikitext2-raw-test.txt fixtures/smollm2/wikitext2.reference.json
 */
import { readFile, writeFile } from "node:fs/promises";
import { loadModel, reference } from "@millet/core";
import model from "@millet/model-smollm2-135m-instruct";

const TOKENS = 2048;
const [textFile, target] = process.argv.slice(2);
if (textFile === undefined || target === undefined) {
  throw new Error("Usage: node scripts/record-reference.ts <text file> <target.json>");
}

const loaded = await loadModel(model, { backend: reference(), contextLength: TOKENS, maxSequences: 1 });
// Some five bytes make a token; the first 40,000 characters are more than enough.
const text = (await readFile(textFile, "utf8")).slice(0, 40_000);
const ids = loaded.tokenizer.encode(text).slice(0, TOKENS);
const { logprobs, perplexity, elapsedMs } = await loaded.score([...ids]);
const rounded = Array.from(logprobs, (value) => Number(value.toFixed(6)));
await writeFile(target, `${JSON.stringify({ tokens: TOKENS, perplexity, logprobs: rounded })}\n`);
console.log(`perplexity ${perplexity.toFixed(4)} over ${TOKENS} tokens, ${Math.round(elapsedMs / 1000)} s`);
await loaded.dispose();
