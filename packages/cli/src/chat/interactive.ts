/** A chat at a terminal: reads messages with the line editor, streams answers, Ctrl-C stops an answer. */
import { isMilletError } from "@millet/core";
import { Keyboard } from "../editor/keyboard.js";
import { LineEditor } from "../editor/line-editor.js";
import { endingNote } from "../report.js";
import type { Io, Output } from "../terminal/io.js";
import type { Conversation } from "./conversation.js";
import { findSlashCommand, parseSlash } from "./slash-commands.js";

/** Runs until the user leaves or `signal` is aborted. */
export async function chatAtTerminal(conversation: Conversation, io: Io, signal: AbortSignal): Promise<void> {
  const keyboard = new Keyboard(io.stdin, io.stdout);
  try {
    await loop(conversation, keyboard, io.stdout, signal);
  } finally {
    keyboard.dispose();
  }
}

async function loop(
  conversation: Conversation,
  keyboard: Keyboard,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const editor = new LineEditor(keyboard, output);
  let mayLeave = false; // by a second Ctrl-C at an empty prompt
  while (!signal.aborted) {
    const entry = await editor.read(signal);
    if (entry.kind === "end") return;
    if (entry.kind === "interrupt") {
      if (entry.wasEmpty && mayLeave) return;
      if (entry.wasEmpty) note(output, "(Ctrl-C again leaves)");
      mayLeave = entry.wasEmpty;
      continue;
    }
    mayLeave = false;
    if (entry.text.trim() === "") continue;
    if ((await handle(conversation, entry.text, keyboard, output, signal)) === "leave") return;
    output.line();
  }
}

async function handle(
  conversation: Conversation,
  text: string,
  keyboard: Keyboard,
  output: Output,
  signal: AbortSignal,
): Promise<"stay" | "leave"> {
  const slash = parseSlash(text);
  try {
    if (slash === undefined) await answer(conversation, text, keyboard, output, signal);
    else return await runSlash(conversation, slash, output);
  } catch (error) {
    if (!isMilletError(error) || error.code === "BACKEND_LOST") throw error;
    output.styled("error", `${error.code}: ${error.message}`);
    output.line();
  }
  return "stay";
}

async function runSlash(
  conversation: Conversation,
  { name, argument }: { readonly name: string; readonly argument: string },
  output: Output,
): Promise<"stay" | "leave"> {
  const command = findSlashCommand(name);
  if (command !== undefined) return command.run(conversation, argument, output);
  output.line(`There is no /${name}: /help shows the commands.`);
  return "stay";
}

async function answer(
  conversation: Conversation,
  text: string,
  keyboard: Keyboard,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  keyboard.listen((input) => {
    if (input.kind !== "key" || !input.key.ctrl || input.key.name !== "c") return keyboard.defer(input);
    keyboard.discard();
    stop.abort();
  });
  let hasLineOpen = false;
  const hint = showAfter(HINT_DELAY_MS, output);
  try {
    const result = await conversation.send(text, AbortSignal.any([signal, stop.signal]), (piece) => {
      hint.remove();
      output.write(piece);
      if (piece !== "") hasLineOpen = !piece.endsWith("\n");
    });
    hint.remove();
    if (hasLineOpen) output.line();
    const why = endingNote(result.finishReason);
    if (why !== undefined) note(output, why);
  } finally {
    hint.remove();
    keyboard.listen(undefined);
  }
}

/** A sign of life while a long prompt is computed; shorter waits show none. */
const HINT_DELAY_MS = 400;

function showAfter(delayMs: number, output: Output): { remove(): void } {
  let isShown = false;
  const timer = setTimeout(() => {
    isShown = true;
    output.styled("dim", "reading …");
  }, delayMs);
  return {
    remove() {
      clearTimeout(timer);
      if (isShown) output.raw("\r\x1b[K");
      isShown = false;
    },
  };
}

function note(output: Output, text: string): void {
  output.styled("dim", text);
  output.line();
}
