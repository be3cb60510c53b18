/** `millet generate`: one prompt, one text on standard output. */
import type { GenerationResult, Model, Prompt } from "@millet/core";
import { type Context, defineCommand } from "../command.js";
import { readTextFile } from "../files.js";
import { LOAD_OPTIONS, type LoadedModel, load } from "../load.js";
import { flag, integer, type OptionValues, text, usage } from "../options.js";
import { endingNote, resultJson, statsLine } from "../report.js";
import { SAMPLING_OPTIONS, samplingOf } from "../sampling-options.js";
import { type Io, readAll } from "../terminal/io.js";

export const GENERATE_OPTIONS = {
  prompt: text("TEXT", "The prompt. Default: standard input, where it is not a terminal.", "p"),
  file: text("FILE", "Read the prompt from a file.", "f"),
  system: text("TEXT", "The system message. Default: the model's own."),
  raw: flag("Continue the prompt as it is, without the model's chat template."),
  logprobs: integer("Report each token's log-probability and the N most likely ones.", { max: 100 }),
  stats: flag("Report speed on standard error."),
  ...LOAD_OPTIONS,
  ...SAMPLING_OPTIONS,
};
type Options = typeof GENERATE_OPTIONS;

export const generate = defineCommand({
  name: "generate",
  summary: "Answer one prompt, or continue a text with --raw.",
  positionals: ["[model]"],
  options: GENERATE_OPTIONS,
  notes: [
    "Examples:",
    '  millet generate -p "What is the capital of France?"',
    "  millet generate --json --temperature 0 --max-tokens 32 < question.txt",
    '  millet generate --raw -p "Once upon a time" story-model.gguf',
  ],
  run: generateOnce,
});

/** Also what `millet chat -p` does. */
export async function generateOnce(context: Context<Options>): Promise<void> {
  const { options, positionals, io, signal } = context;
  const prompt = await readPrompt(options, io, signal);
  const loaded = await load(positionals[0], options, io, signal);
  try {
    await answer(loaded, asPrompt(loaded, prompt, options), context);
  } finally {
    await loaded.model.dispose();
  }
}

async function answer(
  { name, model }: LoadedModel,
  prompt: Prompt,
  { options, io, signal }: Context<Options>,
): Promise<void> {
  const { logprobs, json, raw } = options;
  const stream = model.generate(prompt, { ...samplingOf(options), logprobs, signal, parseSpecial: raw });
  for await (const piece of stream) if (!json) io.stdout.write(piece);
  const result = await stream.result;
  if (json) io.stdout.json(resultJson(result, name, model.backend));
  else finishText(result, model, io);
  if (options.stats) io.stderr.line(statsLine(result));
  signal.throwIfAborted();
}

function finishText(result: GenerationResult, model: Model, io: Io): void {
  if (!result.text.endsWith("\n")) io.stdout.line();
  for (const { id, logprob, top } of result.logprobs ?? []) {
    const show = (token: number, value: number) =>
      `${JSON.stringify(model.tokenizer.decode([token], { atStart: false }))} ${value.toFixed(3)}`;
    const others = top.map((other) => show(other.id, other.logprob)).join(", ");
    io.stdout.line(`${show(id, logprob)}${others === "" ? "" : `  of ${others}`}`);
  }
  const note = endingNote(result.finishReason);
  if (note !== undefined && result.finishReason !== "aborted") io.stderr.line(note);
}

async function readPrompt(options: OptionValues<Options>, io: Io, signal: AbortSignal): Promise<string> {
  if (options.prompt !== undefined && options.file !== undefined)
    throw usage("Give the prompt either with --prompt or with --file.");
  if (options.prompt !== undefined) return options.prompt;
  if (options.file !== undefined) return readTextFile(options.file);
  if (io.stdin.isTTY) throw usage('There is no prompt: give one with -p "..." or --file, or pipe it in.');
  return readAll(io.stdin, signal);
}

function asPrompt({ model }: LoadedModel, prompt: string, { raw, system }: OptionValues<Options>): Prompt {
  if (raw || (!model.hasChatTemplate && system === undefined)) return prompt;
  return [
    ...(system === undefined ? [] : [{ role: "system", content: system }]),
    { role: "user", content: prompt },
  ];
}
