/** `millet embed`: vectors of texts, or how similar the texts are to each other. */
import { POOLINGS } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { readTextFile } from "../files.js";
import { formatTable } from "../format.js";
import { LOAD_OPTIONS, load } from "../load.js";
import { choice, flag, type OptionValues, text, usage } from "../options.js";
import { type Io, readAll } from "../terminal/io.js";

const OPTIONS = {
  file: text("FILE", "Read the texts from a file, one a line.", "f"),
  pooling: choice(POOLINGS, "How token vectors become one. Default: what the file says."),
  truncate: flag("Embed the beginning of texts that are longer than the context."),
  ...LOAD_OPTIONS,
};
type Options = typeof OPTIONS;

/** Characters of a text that the table shows. */
const SHOWN_CHARACTERS = 48;

export const embed = defineCommand({
  name: "embed",
  summary: "Show how similar texts are, or their vectors with --json.",
  positionals: ["<model>", "[text...]"],
  options: OPTIONS,
  notes: [
    "Without texts or --file it reads them from standard input, one a line. With --json it prints",
    '{ "model", "pooling", "dimensions", "vectors": [[...], ...] }; vectors have a length of 1.',
    "",
    "Examples:",
    '  millet embed minilm.gguf "a cat" "a kitten" "a tax return"',
    "  millet embed minilm.gguf --json < lines.txt",
  ],
  run,
});

async function run(context: Context<Options>): Promise<void> {
  const { options, positionals, io, signal } = context;
  const [model, ...words] = positionals;
  const texts = await textsOf(words, options, io, signal);
  const loaded = await load(model, options, io, signal);
  try {
    const { dimensions, pooling } = loaded.model.info.embedding;
    const vectors = await loaded.model.embed(texts, {
      pooling: options.pooling,
      onContextFull: options.truncate ? "truncate" : "error",
      signal,
    });
    const lists = vectors.map((vector) => Array.from(vector));
    if (options.json)
      io.stdout.json({ model: loaded.name, pooling: options.pooling ?? pooling, dimensions, vectors: lists });
    else io.stdout.write(similarities(texts, vectors));
  } finally {
    await loaded.model.dispose();
  }
}

async function textsOf(
  words: readonly string[],
  { file }: OptionValues<Options>,
  io: Io,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (words.length > 0 && file !== undefined)
    throw usage("Give the texts either as arguments or with --file.");
  if (words.length > 0) return words;
  if (file === undefined && io.stdin.isTTY)
    throw usage("There is no text: give some as arguments or with --file, or pipe them in.");
  const all = await (file === undefined ? readAll(io.stdin, signal) : readTextFile(file));
  return all.split(/\r?\n/).filter((line) => line !== "");
}

/** A row and a column for each text, with the cosine of the angle between their vectors. */
function similarities(texts: readonly string[], vectors: readonly Float32Array[]): string {
  const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const head = ["", ...texts.map((_, i) => `${i + 1}`), ""];
  const rows = vectors.map((vector, i) => [
    `${i + 1}`,
    ...vectors.map((other) => cosine(vector, other).toFixed(3)),
    shown(texts[i]!),
  ]);
  const numbers = head.slice(0, -1).map((_, i) => i);
  return `${formatTable([head, ...rows], numbers).join("\n")}\n`;
}

function shown(text: string): string {
  const characters = [...text.replace(/\s+/g, " ")];
  if (characters.length <= SHOWN_CHARACTERS) return characters.join("");
  return `${characters.slice(0, SHOWN_CHARACTERS - 1).join("")}…`;
}
