// Records what node-llama-cpp makes of a model: token ids, greedy tokens with the best logits of each step,
// and perplexity. Prints JSON on standard output, progress on standard error.
//
//   node reference-smollm2.mjs <model.gguf> [--text FILE] [--threads N] [--precise] > reference.json
import { parseArgs } from "node:util";
import { measure } from "./measure.mjs";
import { open } from "./node-llama.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: "string" },
    threads: { type: "string", default: "2" },
    precise: { type: "boolean", default: false },
  },
});
if (positionals.length !== 1) {
  console.error("usage: reference-smollm2.mjs <model.gguf> [--text FILE] [--threads N] [--precise]");
  process.exit(2);
}

const engine = await open(positionals[0], { threads: Number(values.threads), precise: values.precise });
const result = await measure(engine, values.text, (line) => console.error(line));
await engine.dispose();
process.stdout.write(`${JSON.stringify(result)}\n`);
