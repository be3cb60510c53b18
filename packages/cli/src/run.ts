/** Finds the command, runs it, and turns what it throws into one line on standard error and an exit code. */
import { isMilletError } from "@millet/core";
import { COMMANDS } from "./commands/index.js";
import { EXIT_CODES, type ExitCode, exitCodeOf } from "./exit-codes.js";
import { mainHelp } from "./help.js";
import { watchInterrupts } from "./interrupts.js";
import { usage } from "./options.js";
import { type Io, processIo } from "./terminal/io.js";
import { version } from "./version.js";

/**
 * Runs `millet` with `args` (without the program's name).
 * @returns the exit code; never rejects
 */
export async function run(args: readonly string[], io: Io, signal: AbortSignal): Promise<number> {
  try {
    return await dispatch(args, io, signal);
  } catch (error) {
    if (!signal.aborted) report(error, args, io);
    return exitCodeOf(error);
  }
}

/** Runs `millet` with this process's arguments and streams and sets its exit code. */
export async function runInProcess(): Promise<void> {
  const interrupts = watchInterrupts();
  const code = await run(process.argv.slice(2), processIo(), interrupts.signal);
  interrupts.dispose();
  process.exitCode = interrupts.exitCode() ?? code;
}

async function dispatch(args: readonly string[], io: Io, signal: AbortSignal): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    const text = mainHelp(COMMANDS, io.stdout.columns);
    if (name !== undefined) return printed(io, text);
    io.stderr.line(text);
    throw usage("Name a command.");
  }
  if (name === "--version" || name === "-v") return printed(io, version());
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined)
    throw usage(`There is no command "${name}": ${COMMANDS.map((known) => known.name).join(", ")}.`);
  return command.run(rest, io, signal);
}

function printed(io: Io, text: string): ExitCode {
  io.stdout.line(text);
  return EXIT_CODES.ok.code;
}

function report(error: unknown, args: readonly string[], io: Io): void {
  const { code, message, stack } = describe(error);
  io.stderr.styled("error", `millet: ${code}: ${message}`);
  io.stderr.line();
  if (code === "INVALID_ARGUMENT") io.stderr.line(`Run "millet ${helpFor(args)}--help".`);
  if (args.includes("--debug")) io.stderr.line(stack);
  else if (code === "INTERNAL")
    io.stderr.line("This is a fault in millet: run it again with --debug and report it.");
}

function describe(error: unknown): { code: string; message: string; stack: string } {
  if (!(error instanceof Error)) return { code: "INTERNAL", message: String(error), stack: "" };
  const cause = error.cause instanceof Error ? `\nCaused by ${error.cause.stack}` : "";
  const code = isMilletError(error) ? error.code : "INTERNAL";
  return { code, message: error.message, stack: `${error.stack}${cause}` };
}

function helpFor(args: readonly string[]): string {
  const command = COMMANDS.find(({ name }) => name === args[0]);
  return command === undefined ? "" : `${command.name} `;
}
