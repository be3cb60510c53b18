// Speed of Millet and node-llama-cpp on the same file, in turns and each in a process of its own, so that
// noise of the machine meets both; prints medians, bests and their ratios. Other load slows both sides, and
// unequally: where medians and bests tell different stories, run again on a quiet machine. Every run's line goes to standard error.
//
//   node speed.mjs <model.gguf> [--threads N] [--prompt-tokens N] [--gen-tokens N] [--runs N]
//                  [--engine auto|wasm|native] [--only millet|node-llama-cpp] [--json]
import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { medianOf } from "./statistics.mjs";

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
const summary = { median: summarize(medianOf), best: summarize(bestOf) };
if (values.json) console.log(JSON.stringify({ ...summary, runs: lines }));
else {
  for (const [title, rows] of Object.entries(summary)) {
    console.log(title);
    console.table(rows);
  }
}

async function runOnce(name) {
  const [file, args] = commands[name];
  const { stdout } = await promisify(execFile)(file, args, { cwd: ROOT });
  const line = stdout.trim();
  console.error(line);
  return JSON.parse(line);
}

/** One row per engine, and their ratio where both ran. */
function summarize(pick) {
  const row = (runs) =>
    Object.fromEntries(
      MEASURES.map((measure) => [
        measure,
        pick(
          runs.map((line) => line[measure]),
          measure,
        ),
      ]),
    );
  const rows = Object.fromEntries(names.map((name) => [name, row(lines[name])]));
  const { millet, "node-llama-cpp": peer } = rows;
  if (millet === undefined || peer === undefined) return rows;
  const ratio = (measure) => Number((millet[measure] / peer[measure]).toFixed(3));
  return { ...rows, ratio: Object.fromEntries(MEASURES.map((measure) => [measure, ratio(measure)])) };
}

function bestOf(numbers, measure) {
  return measure.endsWith("PerSecond") ? Math.max(...numbers) : Math.min(...numbers);
}
