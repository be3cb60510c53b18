/** A chat without a terminal: each line of standard input is a message, each answer goes to standard output. */
import { createInterface } from "node:readline";
import { endingNote, resultJson } from "../report.js";
import type { Io } from "../terminal/io.js";
import type { Conversation } from "./conversation.js";
import { findSlashCommand, parseSlash } from "./slash-commands.js";

export interface PipedOptions {
  /** A JSON document per answer. */
  readonly json: boolean;
}

export async function chatByLines(
  conversation: Conversation,
  io: Io,
  signal: AbortSignal,
  { json }: PipedOptions,
): Promise<void> {
  const lines = createInterface({ input: io.stdin, crlfDelay: Infinity });
  const close = () => lines.close();
  signal.addEventListener("abort", close, { once: true });
  try {
    for await (const line of lines) {
      if (signal.aborted) break;
      if (line.trim() === "") continue;
      const slash = parseSlash(line);
      const command = slash && findSlashCommand(slash.name);
      if (command === undefined) await answer(conversation, line, io, signal, json);
      else if ((await command.run(conversation, slash!.argument, io.stderr)) === "leave") break;
    }
  } finally {
    signal.removeEventListener("abort", close);
    lines.close();
  }
}

async function answer(
  conversation: Conversation,
  message: string,
  io: Io,
  signal: AbortSignal,
  json: boolean,
): Promise<void> {
  const result = await conversation.send(message, signal, (text) => {
    if (!json) io.stdout.write(text);
  });
  if (json) io.stdout.json(resultJson(result, conversation.name, conversation.model.backend));
  else io.stdout.write(result.text.endsWith("\n") ? "\n" : "\n\n");
  const note = endingNote(result.finishReason);
  if (note !== undefined && !json) io.stderr.line(note);
}
