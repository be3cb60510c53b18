// Millet and its peers on the same files, each run in a process of its own, in turns, medians over the rounds. What
// cannot be run is reported with its reason. Other load on the machine slows everybody, and unequally: compare
// figures of one run only. Options below; the packages must be built, and the peers installed (README.md).
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { parseArgs, promisify } from "node:util";
import { linkAvx2Copy, removeAvx2Copy } from "./avx2.mjs";
import { readBandwidth } from "./bandwidth.mjs";
import { coldStart } from "./cold-start.mjs";
import { CONTESTANTS, GPU_CONTESTANTS } from "./contestants.mjs";
import { describeGpu, gpuReadBandwidth } from "./gpu-bandwidth.mjs";
import { describeMachine, describeVersions } from "./machine.mjs";
import { prepareModel } from "./models.mjs";
import { formatText, writeDocument } from "./report.mjs";
import { medianOf } from "./statistics.mjs";

const USAGE = `Use: npm run bench:peers -- [options]
  --models          shapes of scripts/make-random-model.mjs or GGUF files, by commas (smollm2-135m,milm-1.3b)
  --gpu             on the GPU instead of the processor
  --only            contestants by commas (${CONTESTANTS.map(({ name }) => name).join(",")};
                    with --gpu ${GPU_CONTESTANTS.map(({ name }) => name).join(",")})
  --runs            rounds, a process per contestant in each (3)
  --repeat          measured runs within a process, after one to warm up (1)
  --isa             "avx2" holds all engines to AVX2 without VNNI; without it each takes the best it has
  --threads         (2)    --prompt-tokens (256)    --gen-tokens (64)
  --json            one JSON document on standard output instead of tables
  --markdown        writes the tables of docs/benchmarks.md as well
  --from            runs nothing: takes what earlier runs printed with --json, files by commas`;

const { values } = parseArgs({
  options: {
    models: { type: "string", default: "smollm2-135m,milm-1.3b" },
    only: { type: "string" },
    runs: { type: "string", default: "3" },
    repeat: { type: "string", default: "1" },
    gpu: { type: "boolean", default: false },
    isa: { type: "string" },
    threads: { type: "string", default: "2" },
    "prompt-tokens": { type: "string", default: "256" },
    "gen-tokens": { type: "string", default: "64" },
    json: { type: "boolean", default: false },
    markdown: { type: "boolean", default: false },
    from: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const MEASURES = [
  "prefillTokensPerSecond",
  "decodeTokensPerSecond",
  "loadMs",
  "startMs",
  "startPackedMs",
  "peakRssBytes",
];
const MOST_MS_OF_A_PROCESS = 5 * 60_000;

if (values.isa !== undefined && (values.isa !== "avx2" || values.gpu)) {
  console.error(`There is no --isa ${values.isa}${values.gpu ? " on a GPU" : ""}.\n${USAGE}`);
  process.exit(2);
}
const copy = values.isa === "avx2" && values.from === undefined ? await linkAvx2Copy() : undefined;
const invited = values.gpu ? GPU_CONTESTANTS : CONTESTANTS;
const wanted = values.only?.split(",") ?? invited.map(({ name }) => name);
const unknown = wanted.filter((name) => !invited.some((contestant) => contestant.name === name));
if (values.help || unknown.length > 0) {
  console.error(unknown.length > 0 ? `There is no contestant ${unknown.join(", ")}.\n${USAGE}` : USAGE);
  process.exit(values.help ? 0 : 2);
}

const results =
  values.from === undefined
    ? [await compare().finally(removeAvx2Copy)]
    : await Promise.all(values.from.split(",").map(async (file) => JSON.parse(await readFile(file, "utf8"))));
if (values.markdown) await writeDocument(results);
for (const result of results) console.log(values.json ? JSON.stringify(result) : formatText(result));

async function compare() {
  const started = new Date();
  const { runs, repeat, threads } = values;
  const settings = {
    runs,
    repeat,
    threads,
    promptTokens: values["prompt-tokens"],
    genTokens: values["gen-tokens"],
  };
  const bandwidths = [];
  const models = [];
  for (const name of values.models.split(","))
    models.push(await compareOn(await prepareModel(name), bandwidths));
  const readBytesPerSecond = bandwidths.length > 0 ? medianOf(bandwidths) : null;
  for (const model of models) addBandwidthFractions(model, readBytesPerSecond);
  return {
    date: started.toISOString(),
    command: ["npm run bench:peers --", ...process.argv.slice(2)].join(" "),
    machine: { ...describeMachine(), ...(values.gpu && { gpu: await describeGpu() }) },
    versions: await describeVersions(invited),
    settings: Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, Number(value)])),
    readBytesPerSecond,
    models,
  };
}

async function compareOn(model, bandwidths) {
  const entries = invited
    .filter(({ name }) => wanted.includes(name))
    .map((contestant) => ({
      contestant,
      lines: [],
      failure: whyNot(contestant, model),
    }));
  for (let round = 1; round <= Number(values.runs); round++) {
    await measureBandwidth(bandwidths);
    for (const entry of entries) {
      if (entry.failure === undefined) await runOnce(entry, model, round);
    }
  }
  const contestants = entries.map(({ contestant: { name, title, peers }, lines, failure }) =>
    failure === undefined
      ? { name, title, peers, ...summarize(lines), runs: lines }
      : { name, title, notRun: failure },
  );
  return { name: model.name, fileBytes: model.fileBytes, contestants };
}

function whyNot({ file = "gguf", mostBytes = Infinity, tooLarge, avx2 }, model) {
  if (copy !== undefined && avx2 === undefined) return "it cannot be held to AVX2";
  if (model[file] === undefined) return "its file can be made for the known shapes only";
  if (model.fileBytes > mostBytes) return `not tried on a file of this size: ${tooLarge}`;
}

async function measureBandwidth(bandwidths) {
  try {
    bandwidths.push(await (values.gpu ? gpuReadBandwidth() : readBandwidth(values.threads)));
    console.error(`read bandwidth: ${(bandwidths.at(-1) / 1e9).toFixed(1)} GB/s`);
  } catch (error) {
    console.error(`read bandwidth: not measured: ${error.message}`);
  }
}

/** A failure ends the contestant's part on this model; the others go on. */
async function runOnce(entry, model, round) {
  const { name, command, file = "gguf", avx2 = {}, env } = entry.contestant;
  const limits = copy === undefined ? {} : avx2;
  const script = limits.fromCopy ? join(copy, basename(command[0])) : command[0];
  const options = ["threads", "prompt-tokens", "gen-tokens", "repeat"].flatMap((key) => [
    `--${key}`,
    values[key],
  ]);
  try {
    const own = [...command.slice(1), ...(limits.options ?? [])];
    const args = [...(limits.nodeOptions ?? []), script, model[file], ...own, ...options];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: MOST_MS_OF_A_PROCESS,
      env: { ...process.env, ...env },
    });
    const speeds = JSON.parse(stdout.trim().split("\n").at(-1));
    // A start is not what an instruction set decides.
    const start = copy === undefined ? await coldStart(entry.contestant, model[file], values.threads) : {};
    entry.lines.push({ ...speeds, ...start });
    console.error(`${name}, round ${round}: ${JSON.stringify(entry.lines.at(-1))}`);
  } catch (error) {
    const reason = error.killed
      ? `no answer within ${MOST_MS_OF_A_PROCESS / 60_000} minutes`
      : /\w*Error\b.*/.exec(error.stderr ?? "")?.[0];
    entry.failure = `failed in round ${round}: ${reason ?? error.message}`;
    console.error(`${name}, ${entry.failure}\n${error.stderr ?? ""}`);
  }
}

function summarize(lines) {
  const measured = MEASURES.filter((measure) => measure in lines[0]);
  const pick = (statistic) =>
    Object.fromEntries(
      measured.map((measure) => [
        measure,
        statistic(
          lines.map((line) => line[measure]),
          measure,
        ),
      ]),
    );
  const best = (numbers, measure) =>
    measure.endsWith("PerSecond") ? Math.max(...numbers) : Math.min(...numbers);
  return { median: pick(medianOf), best: pick(best) };
}

/** What the weights, read once per token, make of the bandwidth: for engines that tell their weights' bytes. */
function addBandwidthFractions({ contestants }, readBytesPerSecond) {
  for (const { runs, median, best } of contestants) {
    const weightBytes = runs?.[0]?.weightBytes;
    if (weightBytes === undefined || readBytesPerSecond === null) continue;
    for (const row of [median, best]) {
      row.bandwidthFraction = (row.decodeTokensPerSecond * weightBytes) / readBytesPerSecond;
    }
  }
}
