/** The lines with which a chat opens. */
import { formatBytes, formatMs } from "../format.js";
import type { Output } from "../terminal/io.js";
import type { Conversation } from "./conversation.js";

export function writeBanner({ name, model }: Conversation, output: Output): void {
  const { info, backend, loadMs } = model;
  output.styled("bold", name);
  output.line(`, ${formatBytes(info.fileBytes)}, loaded in ${formatMs(loadMs)}`);
  output.styled("dim", `${backend.name}: ${backend.capabilities.description}`);
  output.line();
  output.styled("dim", "/help shows the commands, Ctrl-C stops an answer, Ctrl-D leaves.");
  output.line("\n");
}
