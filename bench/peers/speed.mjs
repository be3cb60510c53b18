// Speed of Millet and node-llama-cpp on the same file, in turns and each in a process of its own, so that
// noise of the machine meets both; prints medians and their ratio. Every run's line goes to standard error.
//
//   node speed.mjs <model.gguf> [--threads N] [--prompt-tokens N] [--gen-tokens N] [--runs N]
//                  [--engine auto|wasm|native] [--only millet|node-llama-cpp] [--json]
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    threads: { type: "string", default: "2" },
    "prompt-tokens": { type: "string", default: "256" },
    "gen-tokens": { type: "string", default: "64" },
    runs: { type: "string", default: "5" },
    engine: { type: "string", default: "wasm" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
if (positionals.length !== 1) {
  console.error("usage: speed.mjs <model.gguf> [--threads N] [--runs N] (see the head of this file)");
  process.exit(2);
}
const MEASURES = ["loadMs", "peakRssBytes", "prefillTokensPerSecond", "decodeTokensPerSecond"];
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const path = resolve(positionals[0]);
const work = ["threads", "prompt-tokens", "gen-tokens"].flatMap((name) => [`--${name}`, values[name]]);
const commands = {
  "node-llama-cpp": [
    process.execPath,
    [fileURLToPath(new URL("speed-node-llama.mjs", import.meta.url)), path, ...work],
  ],
  millet: [
    "npm",
    [
      "run",
      "--silent",
      "millet",
      "--",
      "bench",
      path,
      "--backend",
      "cpu",
      "--engine",
      values.engine,
      ...work,
      "--json",
    ],
  ],
};
const names = Object.keys(commands).filter((name) => (values.only ?? name) === name);

const lines = Object.fromEntries(names.map((name) => [name, []]));
for (let run = 0; run < Number(values.runs); run++) {
  for (const name of names) lines[name].push(await runOnce(name));
}
const medians = Object.fromEntries(names.map((name) => [name, mediansOf(lines[name])]));
const ratios = names.length < 2 ? null : ratiosOf(medians);
if (values.json) console.log(JSON.stringify({ medians, ratios, runs: lines }));
else console.table(ratios ? { ...medians, "millet / node-llama-cpp": ratios } : medians);

async function runOnce(name) {
  const [file, args] = commands[name];
  const { stdout } = await promisify(execFile)(file, args, { cwd: ROOT });
  const line = stdout.trim();
  console.error(line);
  return JSON.parse(line);
}

function mediansOf(runs) {
  return Object.fromEntries(MEASURES.map((measure) => [measure, median(runs.map((line) => line[measure]))]));
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function ratiosOf({ millet, "node-llama-cpp": peer }) {
  return Object.fromEntries(
    MEASURES.map((measure) => [measure, Number((millet[measure] / peer[measure]).toFixed(3))]),
  );
}
