// Compares Millet with node-llama-cpp on one GGUF file: token ids, 64 greedy tokens of 20 prompts, and
// perplexity. Exit code 1 if they disagree by more than verdict.mjs allows.
//
//   node compare.mjs <model.gguf> --text FILE [--threads N] [--engine auto|wasm|native] [--json]
//   node compare.mjs --reference A.json --candidate B.json      two recorded results, nothing is run
//
// --reference alone saves running node-llama-cpp; it is run with { precise: true } (see node-llama.mjs),
// with --peer-defaults as its users run it.
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { measure } from "./measure.mjs";
import { verdict } from "./verdict.mjs";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    text: { type: "string" },
    threads: { type: "string", default: "2" },
    engine: { type: "string", default: "auto" },
    reference: { type: "string" },
    candidate: { type: "string" },
    "peer-defaults": { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const needsModel = values.reference === undefined || values.candidate === undefined;
if (positionals.length !== (needsModel ? 1 : 0)) {
  console.error("usage: compare.mjs <model.gguf> --text FILE | --reference A.json --candidate B.json");
  process.exit(2);
}

const threads = Number(values.threads);
const reference = await result(values.reference, "./node-llama.mjs", { precise: !values["peer-defaults"] });
const candidate = await result(values.candidate, "./millet.mjs", { engine: values.engine });
const outcome = verdict(reference, candidate);
console.log(values.json ? JSON.stringify(outcome) : describe(outcome));
process.exitCode = outcome.pass ? 0 : 1;

/** A recorded result, or a new one from the engine that `adapter` opens. */
async function result(recorded, adapter, options) {
  if (recorded !== undefined) return JSON.parse(await readFile(recorded, "utf8"));
  const { open } = await import(adapter);
  const engine = await open(positionals[0], { threads, ...options });
  try {
    return await measure(engine, values.text, (line) => console.error(line));
  } finally {
    await engine.dispose();
  }
}

function describe({ pass, differingIds, greedyTexts, partings, perplexity }) {
  const lines = [
    `reference ${reference.engine} ${JSON.stringify(reference.settings)}`,
    `candidate ${candidate.engine} ${JSON.stringify(candidate.settings)}`,
    differingIds.length === 0 ? "token ids: all equal" : "token ids differ for:",
    ...differingIds.map((text) => `  ${JSON.stringify(text)}`),
    `greedy texts: ${greedyTexts - partings.length} of ${greedyTexts} equal`,
    ...partings.map(
      ({ text, step, reference, candidate, gap, nearTie }) =>
        `  ${JSON.stringify(text.slice(-40))} parts at token ${step} (${reference}, ${candidate}): ` +
        `${nearTie ? "a near-tie" : "NOT a near-tie"}, gap ${gap.toFixed(4)}`,
    ),
  ];
  if (perplexity === null) lines.push("perplexity: not measured (give --text)");
  else {
    const { medianLossDifference, largestLossDifference } = perplexity;
    lines.push(
      `perplexity: reference ${perplexity.reference}, candidate ${perplexity.candidate}, ratio ` +
        `${perplexity.ratio.toFixed(5)}; per-token loss differs by ${medianLossDifference.toFixed(4)} (median), ` +
        `${largestLossDifference.toFixed(4)} (most)${perplexity.sameTokens ? "" : "; NOT THE SAME TOKENS"}`,
    );
  }
  return [...lines, pass ? "PASS" : "FAIL"].join("\n");
}
