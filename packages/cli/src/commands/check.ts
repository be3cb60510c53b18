/** `millet check`: what a model will take and do on this machine, from its header and a benchmark of a second or two. */
import {
  type BackendPrediction,
  type CanRunReport,
  canRun,
  createStore,
  type Prediction,
} from "@millet/core";
import { chooseBackend } from "../backends.js";
import { type Context, defineCommand } from "../command.js";
import { formatBytes, formatMs, formatSpeed, formatTable } from "../format.js";
import { LOAD_OPTIONS } from "../load.js";
import { resolveModel } from "../models.js";
import { integer } from "../options.js";
import { storeOptions } from "../store.js";

const OPTIONS = {
  ...LOAD_OPTIONS,
  "prompt-tokens": integer("Tokens of the prompt. Default: 256.", { min: 1 }),
  "gen-tokens": integer("Tokens of the answer. Default: 64.", { min: 1 }),
};

export const check = defineCommand({
  name: "check",
  summary: "Predict memory, load time and speed of a model before loading it.",
  positionals: ["[model]"],
  options: OPTIONS,
  notes: [
    "Reads the header of a file or URL and nothing else; speeds are measured on a smaller model of the same shapes.",
    "The memory is what the model adds to the process; `millet bench` measures what is predicted here.",
    "",
    "Example:",
    "  millet check https://example.com/model.gguf --threads 2",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  const { name, source } = await resolveModel(positionals[0]);
  const report = await canRun(source, {
    backend: chooseBackend(options),
    contextLength: options["context-length"],
    kvDType: options["kv-type"],
    quantize: options.quantize,
    promptTokens: options["prompt-tokens"],
    generatedTokens: options["gen-tokens"],
    signal,
    ...storeOptions(options),
    // Through the store a model would be downloaded; without requests it is the only place to look.
    ...(options.offline && { store: createStore() }),
  });
  if (options.json) {
    const backends = report.backends.map(({ error, ...rest }) => ({
      ...rest,
      ...(error && { code: error.code }),
    }));
    io.stdout.json({ name, ...report, backends });
    return;
  }
  for (const prediction of report.backends) {
    io.stdout.styled("bold", `${prediction.name}: ${prediction.verdict}`);
    io.stdout.line();
    io.stdout.line(prediction.reason);
    for (const line of formatTable(rowsOf(prediction, report))) io.stdout.line(`  ${line}`);
  }
}

function rowsOf(prediction: BackendPrediction, report: CanRunReport): string[][] {
  const {
    capabilities,
    memory,
    loadMs,
    prefillTokensPerSecond: prefill,
    decodeTokensPerSecond: decode,
  } = prediction;
  const speed = ({ value, low, high }: Prediction, tokens: number) => [
    `${formatSpeed(value)} tokens/s`,
    `${formatSpeed(low)} to ${formatSpeed(high)}, ${tokens} tokens`,
  ];
  const rows = [["Model", `${report.info.name}, ${report.info.quantization}`]];
  if (capabilities) rows.push(["Device", capabilities.description]);
  if (memory) {
    const { peakBytes, weightBytes, kvBytes, fullKvBytes } = memory;
    rows.push(
      [
        "Memory",
        formatBytes(peakBytes),
        `${formatBytes(weightBytes)} are weights, ${formatBytes(kvBytes)} KV cache`,
      ],
      ["with a full context", formatBytes(peakBytes - kvBytes + fullKvBytes)],
    );
  }
  if (report.memoryBytes !== undefined) rows.push(["Free memory", formatBytes(report.memoryBytes)]);
  if (loadMs)
    rows.push(["Load", formatMs(loadMs.value), `${formatMs(loadMs.low)} to ${formatMs(loadMs.high)}`]);
  if (prefill) rows.push(["Prefill", ...speed(prefill, report.promptTokens)]);
  if (decode) rows.push(["Decode", ...speed(decode, report.generatedTokens)]);
  return rows;
}
