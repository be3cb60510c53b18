/** `millet tokenize`: the token ids of a text, and what each stands for. A vocabulary is all that it needs. */
import { modelTokenizer, type Tokenizer } from "@millet/core/tokenizer";
import { type Context, defineCommand } from "../command.js";
import { readTextFile } from "../files.js";
import { formatTable } from "../format.js";
import { withModelFile } from "../model-file.js";
import { flag, text, usage } from "../options.js";
import { readAll } from "../terminal/io.js";

const OPTIONS = {
  file: text("FILE", "Read the text from a file. Default: standard input.", "f"),
  bos: flag("Put the beginning-of-sequence token in front."),
  special: flag("Recognise control tokens written in the text, such as <|im_end|>."),
  pieces: flag("With --json: the pieces too."),
};

export const tokenize = defineCommand({
  name: "tokenize",
  summary: "Show the tokens of a text.",
  positionals: ["<model>", "[text...]"],
  options: OPTIONS,
  notes: [
    "A GGUF file that holds only a vocabulary is enough. Of a Hugging Face folder, all files are needed.",
    'With --json it prints { "ids": [...] }. The text is taken as it is: a line end at its end counts.',
    "",
    "Examples:",
    '  millet tokenize model.gguf "Hello world"',
    "  millet tokenize model.gguf --file text.txt --json",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<void> {
  const [model, ...words] = positionals;
  if (words.length > 0 && options.file !== undefined)
    throw usage("Give the text either as an argument or with --file.");
  if (words.length === 0 && options.file === undefined && io.stdin.isTTY)
    throw usage("There is no text: give it as an argument or with --file, or pipe it in.");
  // The file first: a wrong model is told before anyone waits for standard input.
  await withModelFile(model, { signal }, async ({ metadata }) => {
    const tokenizer = await modelTokenizer(metadata);
    const input =
      words.length > 0
        ? words.join(" ")
        : await (options.file === undefined ? readAll(io.stdin, signal) : readTextFile(options.file));
    const ids = tokenizer.encode(input, {
      parseSpecial: options.special,
      addBos: options.bos,
      addEos: false,
    });
    const pieces = () => ids.map((id) => tokenizer.piece(id));
    if (options.json) io.stdout.json(options.pieces ? { ids, pieces: pieces() } : { ids });
    else io.stdout.write(formatTokens(ids, tokenizer));
  });
}

/** A line per token: its id and its text in quotes, so that spaces and line ends are seen. */
function formatTokens(ids: readonly number[], tokenizer: Tokenizer): string {
  const rows = ids.map((id) => [String(id), shown(id, tokenizer)]);
  return `${[...formatTable(rows, [0]), `${ids.length} tokens`].join("\n")}\n`;
}

/** The bytes as text; a piece of a character as its bytes. */
function shown(id: number, tokenizer: Tokenizer): string {
  const bytes = tokenizer.pieceBytes(id);
  const kind = tokenizer.tokenKind(id);
  const suffix = kind === "normal" || kind === "byte" ? "" : `  (${kind})`;
  const decoded = new TextDecoder().decode(bytes);
  if (!decoded.includes("\ufffd")) return JSON.stringify(decoded) + suffix;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ") + suffix;
}
