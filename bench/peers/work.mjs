// What one process of a speed comparison is asked to do, and the one JSON line that it answers with.
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { medianOf } from "./statistics.mjs";

/**
 * The arguments of a speed script: <model> [--threads N] [--prompt-tokens N] [--gen-tokens N] [--repeat N]
 * [--engine NAME] [--isa NAME, of Millet's native engine] [--kv-type TYPE, of Millet's KV cache] [--js-flags FLAGS, of a
 * browser]. contextTokens is what a prompt and its continuation need.
 */
export function parseWork() {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: "string", default: "2" },
      "prompt-tokens": { type: "string", default: "256" },
      "gen-tokens": { type: "string", default: "64" },
      repeat: { type: "string", default: "3" },
      engine: { type: "string" },
      isa: { type: "string" },
      "kv-type": { type: "string" },
      "js-flags": { type: "string" },
    },
  });
  if (positionals.length !== 1) {
    console.error(
      "usage: <model> [--threads N] [--prompt-tokens N] [--gen-tokens N] [--repeat N] [--engine NAME]",
    );
    process.exit(2);
  }
  const promptTokens = Number(values["prompt-tokens"]);
  const genTokens = Number(values["gen-tokens"]);
  return {
    path: positionals[0],
    engine: values.engine,
    isa: values.isa,
    kvDType: values["kv-type"],
    jsFlags: values["js-flags"],
    threads: Number(values.threads),
    promptTokens,
    genTokens,
    contextTokens: promptTokens + genTokens + 1,
    repeat: Number(values.repeat),
  };
}

/**
 * One run to warm up, then `repeat` measured ones.
 * @param {(run: number) => Promise<{ prefill: number, decode: number }>} runOnce tokens per second
 * @returns medians
 */
export async function measureRuns(repeat, runOnce) {
  const runs = [];
  for (let run = 0; run <= repeat; run++) {
    const speeds = await runOnce(run);
    if (run > 0) runs.push(speeds);
  }
  return {
    prefillTokensPerSecond: medianOf(runs.map(({ prefill }) => prefill)),
    decodeTokensPerSecond: medianOf(runs.map(({ decode }) => decode)),
  };
}

/** Prints the answer: fields of `millet bench --json`, and whatever else the engine has to tell. */
export function answer({ path, threads }, { loadMs, peakRssBytes, ...rest }) {
  const line = { model: basename(path), threads, loadMs: Math.round(loadMs), peakRssBytes, ...rest };
  console.log(JSON.stringify(line));
}

/** Peak resident memory of this process in bytes; libuv reports kibibytes on every system. */
export const peakRssBytes = () => process.resourceUsage().maxRSS * 1024;
