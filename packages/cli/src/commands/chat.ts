/** `millet chat`: a conversation, at a terminal or line by line; with -p one answer. */
import { writeBanner } from "../chat/banner.js";
import { Conversation } from "../chat/conversation.js";
import { chatAtTerminal } from "../chat/interactive.js";
import { chatByLines } from "../chat/piped.js";
import { type Context, defineCommand } from "../command.js";
import { load } from "../load.js";
import { usage } from "../options.js";
import { samplingOf } from "../sampling-options.js";
import { GENERATE_OPTIONS, generateOnce } from "./generate.js";

const { raw: _raw, logprobs: _logprobs, ...OPTIONS } = GENERATE_OPTIONS;

export const chat = defineCommand({
  name: "chat",
  summary: "Chat with a model, or answer once with -p.",
  positionals: ["[model]"],
  options: OPTIONS,
  notes: [
    "Without a terminal every line of standard input is a message.",
    "",
    "Examples:",
    "  millet chat",
    '  millet chat --system "Answer in one sentence." model.gguf',
    '  millet chat -p "What is the capital of France?"',
  ],
  run,
});

async function run(context: Context<typeof OPTIONS>): Promise<void> {
  const { options, positionals, io, signal } = context;
  if (options.prompt !== undefined || options.file !== undefined)
    return generateOnce({ ...context, options: { ...options, raw: false, logprobs: undefined } });
  const isInteractive = io.stdin.isTTY === true && io.stdout.isTerminal;
  if (isInteractive && options.json) throw usage("--json needs --prompt, or messages piped into it.");
  const loaded = await load(positionals[0], options, io, signal);
  try {
    const conversation = new Conversation(loaded, options.system, samplingOf(options));
    if (isInteractive) writeBanner(conversation, io.stdout);
    if (isInteractive) await chatAtTerminal(conversation, io, signal);
    else await chatByLines(conversation, io, signal, { json: options.json });
    await conversation.dispose();
  } finally {
    await loaded.model.dispose();
  }
  signal.throwIfAborted();
}
