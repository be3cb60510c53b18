/** The texts of `millet --help` and `millet <command> --help`, wrapped to the terminal. */
import { EXIT_CODES } from "./exit-codes.js";
import type { OptionSet } from "./options.js";

/** A command as its help shows it. */
export interface CommandDescription {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** As the usage line shows them: "<model>" must be given, "[model]" may, "[text...]" may be many. */
  readonly positionals: readonly string[];
  readonly options: OptionSet;
  /** Lines after the options: examples, keys. */
  readonly notes: readonly string[];
}

const MAX_COLUMNS = 100;
const INDENT = "  ";

export function mainHelp(commands: readonly CommandDescription[], columns: number): string {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    "Usage: millet <command> [options]",
    "",
    "Runs language models on this machine. Without a model, the one that ships with millet serves.",
    "",
    ...commands.flatMap(({ name, summary }) => entry(name.padEnd(width), summary, columns)),
    "",
    'Run "millet <command> --help" for the options of a command, "millet --version" for the version.',
    "",
    "Exit codes:",
    ...Object.values(EXIT_CODES).flatMap(({ code, meaning }) =>
      entry(String(code).padStart(3), meaning, columns),
    ),
  ].join("\n");
}

export function commandHelp(command: CommandDescription, columns: number): string {
  const { name, summary, positionals, options, notes } = command;
  return [
    `Usage: ${["millet", name, ...positionals, "[options]"].join(" ")}`,
    "",
    ...wrap(summary, Math.min(columns, MAX_COLUMNS)),
    "",
    "Options:",
    ...optionLines(options, columns),
    ...(notes.length > 0 ? ["", ...notes] : []),
  ].join("\n");
}

function optionLines(options: OptionSet, columns: number): string[] {
  const rows = Object.entries(options).map(([name, { short, placeholder, help }]) => {
    const value = placeholder === undefined ? "" : ` ${placeholder}`;
    return [`${short === undefined ? "    " : `-${short}, `}--${name}${value}`, help] as const;
  });
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.flatMap(([label, help]) => entry(label.padEnd(width), help, columns));
}

/** A label with a text beside it; the text's further lines stand under its first. */
function entry(label: string, text: string, columns: number): string[] {
  const left = `${INDENT}${label}${INDENT}`;
  const lines = wrap(text, Math.max(24, Math.min(columns, MAX_COLUMNS) - left.length));
  return lines.map((line, i) => (i === 0 ? left : " ".repeat(left.length)) + line);
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const line = lines[lines.length - 1]!;
    if (line !== "" && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
