/** What can be typed in a chat besides messages, one list: /help shows it. */
import { formatBytes, formatCount, formatMs, formatRate, formatTable } from "../format.js";
import { statsLine } from "../report.js";
import type { Output } from "../terminal/io.js";
import type { Conversation } from "./conversation.js";

export interface SlashCommand {
  readonly name: string;
  /** How its argument is shown: "[text]". */
  readonly argument: string;
  readonly help: string;
  /** "leave" ends the chat. */
  run(conversation: Conversation, argument: string, output: Output): Promise<"stay" | "leave">;
}

const KEYS = [
  ["Enter", "send the message"],
  ["Alt-Enter", "a new line; so do Ctrl-J and \\ before Enter"],
  ["Up, Down", "earlier messages"],
  ["Ctrl-C", "stop the answer, or throw the line away"],
  ["Ctrl-D", "leave"],
];

const SLASH_COMMANDS: readonly SlashCommand[] = [
  command("help", "", "show this", async (_conversation, _argument, output) => {
    const rows = SLASH_COMMANDS.map(({ name, argument, help }) => [`/${name} ${argument}`.trim(), help]);
    output.line(formatTable([...rows, ...KEYS]).join("\n"));
  }),
  command(
    "system",
    "[text|off]",
    "show or set the system message, or take the model's own",
    async (conversation, text, output) => {
      if (text !== "") conversation.system = text === "off" ? undefined : text;
      output.line(systemText(conversation));
    },
  ),
  command(
    "reset",
    "",
    "forget the conversation, keep the system message",
    async (conversation, _text, output) => {
      conversation.reset();
      output.line("The conversation starts anew.");
    },
  ),
  command("save", "[file]", "write the conversation to a file", async (conversation, text, output) => {
    const path = text === "" ? defaultFileName(new Date()) : text;
    await conversation.save(path);
    output.line(`Saved ${formatCount(conversation.messages.length)} messages to ${path}.`);
  }),
  command("load", "<file>", "go on from a saved conversation", async (conversation, path, output) => {
    if (path === "") return output.line("Name the file: /load FILE");
    await conversation.load(path);
    output.line(`Loaded ${formatCount(conversation.messages.length)} messages from ${path}.`);
  }),
  command("stats", "", "show speed and sizes", async (conversation, _text, output) => {
    output.line(stats(conversation).join("\n"));
  }),
  { ...command("exit", "", "leave; so do /quit and /bye", async () => {}), run: async () => "leave" },
];

const ALIASES: Readonly<Record<string, string>> = { quit: "exit", bye: "exit", "?": "help" };

/** A line as a command and its argument; undefined if it is a message. */
export function parseSlash(line: string): { readonly name: string; readonly argument: string } | undefined {
  const match = /^\/([a-z]+|\?)(?:\s+([\s\S]*))?$/.exec(line.trim());
  return match ? { name: match[1]!, argument: (match[2] ?? "").trim() } : undefined;
}

export function findSlashCommand(name: string): SlashCommand | undefined {
  return SLASH_COMMANDS.find((known) => known.name === (ALIASES[name] ?? name));
}

function command(
  name: string,
  argument: string,
  help: string,
  act: (conversation: Conversation, argument: string, output: Output) => Promise<void>,
): SlashCommand {
  return {
    name,
    argument,
    help,
    run: async (...args) => {
      await act(...args);
      return "stay";
    },
  };
}

function systemText({ system = "", hasOwnSystem }: Conversation): string {
  return hasOwnSystem ? "The model's own system message applies." : `System message: ${system}`;
}

function stats({ name, model, last, answers, generatedTokens, computingMs }: Conversation): string[] {
  const { info, backend, contextLength, loadMs } = model;
  const context = last ? last.prompt.tokenIds.length + last.tokenIds.length : 0;
  return formatTable([
    [
      "Model",
      `${name}, ${info.quantization}, ${formatBytes(info.weightBytes)}, loaded in ${formatMs(loadMs)}`,
    ],
    ["Backend", `${backend.name}: ${backend.capabilities.description}`],
    ["Context", `${formatCount(context)} of ${formatCount(contextLength)} tokens`],
    ["Last answer", last ? statsLine(last) : "none yet"],
    [
      "All answers",
      `${answers}, ${formatCount(generatedTokens)} tokens in ${formatMs(computingMs)}, ${formatRate(generatedTokens, computingMs)}`,
    ],
  ]);
}

function defaultFileName(now: Date): string {
  return `millet-chat-${now.toISOString().slice(0, 19).replace(/[:T]/g, "-")}.json`;
}
