/** `millet calibrate`: what quantized prefill on Android needs to know of a model, from a text that it reads. */
import { writeFile } from "node:fs/promises";
import { calibrate as calibrateModel } from "@millet/backend-nnapi";
import { defineModel } from "@millet/core/models";
import { modelTokenizer } from "@millet/core/tokenizer";
import { BACKEND_OPTIONS, chooseBackend } from "../backends.js";
import { type Context, defineCommand } from "../command.js";
import { fileError, readTextFile } from "../files.js";
import { formatBytes, formatCount } from "../format.js";
import { withModelFile } from "../model-file.js";
import { integer, text, usage } from "../options.js";

const DEFAULT_TOKENS = 4096;
/** More than any vocabulary needs for a token on average: what is behind is not tokenized. */
const CHARACTERS_PER_TOKEN = 16;

const OPTIONS = {
  text: text("FILE", "A text like those that the model will read. Needed."),
  tokens: integer("Most tokens of it to read. Default: 4096.", { min: 1, max: 2 ** 24 }),
  window: integer("Tokens that are read in one go; each window begins anew. Default: 512.", { min: 1 }),
  out: text("FILE", "Where the scales go. Default: standard output.", "o"),
  ...BACKEND_OPTIONS,
};

export const calibrate = defineCommand({
  name: "calibrate",
  summary: "Measure a model's activations on a text, for quantized prefill with NNAPI.",
  positionals: ["<model>"],
  options: OPTIONS,
  notes: [
    "It prints JSON: the ranges of what enters and leaves each layer, and which model they are of. Give it as",
    "calibration to nnapi() of @millet/backend-nnapi. Take some other text than the one by which you judge the model.",
    "",
    "Example:",
    "  millet calibrate model.gguf --text book.txt --out model.scales.json",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  if (options.text === undefined) throw usage("--text FILE is missing: a text that the model reads.");
  const { tokens = DEFAULT_TOKENS, window, out } = options;
  const words = (await readTextFile(options.text)).slice(0, tokens * CHARACTERS_PER_TOKEN);
  const scales = await withModelFile(positionals[0], { signal }, async (file) => {
    const tokenizer = await modelTokenizer(file.metadata);
    const ids = tokenizer.encode(words, { addEos: false }).slice(0, tokens);
    return calibrateModel(await defineModel(file), [...ids], {
      backend: chooseBackend(options),
      window,
      signal,
      onProgress: ({ tokens: done, total }) =>
        io.stderr.line(`${formatCount(done)} of ${formatCount(total)} tokens`),
    });
  });
  const json = JSON.stringify(scales);
  if (out === undefined) return io.stdout.line(json);
  await writeFile(out, `${json}\n`).catch((cause: unknown) => {
    throw fileError(out, cause, "written");
  });
  const layers = Object.keys(scales.linears).length;
  const report = { out, model: scales.model, layers, tokens: scales.tokens };
  if (options.json) io.stdout.json(report);
  else io.stdout.line(`${out}: ${layers} layers, ${scales.tokens} tokens, ${formatBytes(json.length)}`);
}
