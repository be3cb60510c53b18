/**
 * `millet bench`: how fast this machine reads a prompt and writes a text with a model. With --json exactly one line
 * on standard output, which later comparisons read: its keys stay as they are.
 */
import { type GenerationTimings, isMilletError, MilletError, type Model } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { formatBytes, formatMs, formatSpeed, formatTable } from "../format.js";
import { LOAD_OPTIONS, load } from "../load.js";
import { median, randomTokenIds } from "../measure.js";
import { integer } from "../options.js";

const OPTIONS = {
  ...LOAD_OPTIONS,
  "prompt-tokens": integer("Tokens of the prompt. Default: 256.", { min: 1 }),
  "gen-tokens": integer("Tokens to generate. Default: 64.", { min: 1 }),
  repeat: integer("Measure N times and report the medians. Default: 3.", { min: 1, max: 1000 }),
};

/** One line of `millet bench --json`. */
export interface BenchReport {
  readonly model: string;
  readonly backend: string;
  readonly engine: string;
  /** The processor's instructions in use, or the GPU with its driver. */
  readonly device: string;
  readonly threads: number;
  /** What the backend chose for this machine, and how; full sentences. */
  readonly choices?: readonly string[];
  readonly loadMs: number;
  /** Resident memory of the process before the model, and the most of all; one conversation is in the cache at a time. */
  readonly startRssBytes: number;
  readonly peakRssBytes: number;
  readonly prefillTokensPerSecond: number;
  readonly decodeTokensPerSecond: number;
}

export const bench = defineCommand({
  name: "bench",
  summary: "Measure loading, prefill and decode speed and memory.",
  positionals: ["[model]"],
  options: OPTIONS,
  notes: [
    "The prompt is random tokens; a first run warms up and is not counted; end-of-generation tokens do not end it.",
    "",
    "Example:",
    "  millet bench --threads 2 --json",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  const { "prompt-tokens": promptTokens = 256, "gen-tokens": genTokens = 64, repeat = 3 } = options;
  const startRssBytes = process.memoryUsage.rss();
  const tokens = options["context-length"] ?? promptTokens + genTokens + 1;
  const sizes = { contextLength: tokens, kvCapacityTokens: tokens };
  const { name, model } = await load(positionals[0], options, io, signal, sizes).catch((error) => {
    const trained = isMilletError(error) ? error.details.trainedTokens : undefined;
    if (trained === undefined || options["context-length"] !== undefined) throw error;
    const what = `The prompt and the text need ${tokens} tokens of context, and the model has ${trained}.`;
    throw new MilletError("INVALID_ARGUMENT", `${what} Give smaller --prompt-tokens or --gen-tokens.`);
  });
  try {
    const runs: GenerationTimings[] = [];
    for (let i = 0; i <= repeat; i++) {
      const timings = await measure(model, i, promptTokens, genTokens, signal);
      const speeds = `prefill ${formatSpeed(timings.prefillTokensPerSecond)}/s, decode ${formatSpeed(timings.decodeTokensPerSecond)}/s`;
      io.stderr.line(`${i === 0 ? "warm-up" : `run ${i} of ${repeat}`}: ${speeds}`);
      if (i > 0) runs.push(timings);
    }
    const report = summarize(name, model, startRssBytes, runs);
    if (options.json) io.stdout.json(report);
    else io.stdout.line(formatReport(report));
  } finally {
    await model.dispose();
  }
}

async function measure(
  model: Model,
  run: number,
  promptTokens: number,
  genTokens: number,
  signal: AbortSignal,
): Promise<GenerationTimings> {
  // Another prompt each time, or the KV cache would know its beginning.
  const prompt = randomTokenIds(promptTokens, model.info.vocabularySize, run);
  const { result } = model.generate(prompt, {
    temperature: 0,
    repetitionPenalty: 1,
    maxTokens: genTokens + 1, // the first one is prefill's
    ignoreEndOfGeneration: true,
    signal,
  });
  const { timings } = await result;
  signal.throwIfAborted();
  return timings;
}

function summarize(
  modelName: string,
  model: Model,
  startRssBytes: number,
  runs: readonly GenerationTimings[],
): BenchReport {
  const { name, capabilities } = model.backend;
  return {
    model: modelName,
    backend: name,
    engine: capabilities.engine ?? name,
    device: capabilities.description,
    threads: capabilities.threads,
    ...(capabilities.choices?.length && { choices: capabilities.choices }),
    loadMs: round(model.loadMs),
    startRssBytes,
    peakRssBytes: process.resourceUsage().maxRSS * 1024, // libuv reports kibibytes on every system
    prefillTokensPerSecond: round(median(runs.map((timings) => timings.prefillTokensPerSecond))),
    decodeTokensPerSecond: round(median(runs.map((timings) => timings.decodeTokensPerSecond))),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

function formatReport(report: BenchReport): string {
  return formatTable([
    ["Model", report.model],
    ["Backend", `${report.backend}, engine ${report.engine}, threads ${report.threads}`],
    ["Device", report.device],
    ...(report.choices ?? []).map((text, i): [string, string] => [i === 0 ? "Kernels" : "", text]),
    ["Load", formatMs(report.loadMs)],
    [
      "Peak memory",
      `${formatBytes(report.peakRssBytes)} of the whole process, which had ${formatBytes(report.startRssBytes)} before`,
    ],
    ["Prefill", `${formatSpeed(report.prefillTokensPerSecond)} tokens/s`],
    ["Decode", `${formatSpeed(report.decodeTokensPerSecond)} tokens/s`],
  ]).join("\n");
}
