/** What a command of `millet` is: data for the help, and one function that is given its options by type. */
import { EXIT_CODES, type ExitCode } from "./exit-codes.js";
import { type CommandDescription, commandHelp } from "./help.js";
import { flag, type OptionSet, type OptionValues, parseOptions, usage } from "./options.js";
import type { Io } from "./terminal/io.js";

/** Options that every command has. */
const COMMON = {
  json: flag("Print JSON instead of text, one document per line."),
  debug: flag("Print the stack of an error."),
  help: flag("Show this help.", "h"),
};

/** What a command works with. */
export interface Context<S extends OptionSet> {
  readonly options: OptionValues<S & typeof COMMON>;
  readonly positionals: readonly string[];
  readonly io: Io;
  /** Aborted by Ctrl-C, SIGTERM or when nobody reads standard output any more. */
  readonly signal: AbortSignal;
}

export interface CommandDefinition<S extends OptionSet> extends CommandDescription {
  readonly options: S;
  /**
   * Resolves when all is written and nothing is left open.
   * @returns the exit code where the answer has one of its own @throws MilletError
   */
  run(context: Context<S>): Promise<void> | Promise<ExitCode>;
}

/** A command as the list of commands holds it. */
export interface Command extends CommandDescription {
  /** @throws MilletError, INVALID_ARGUMENT if `args` do not fit */
  run(args: readonly string[], io: Io, signal: AbortSignal): Promise<ExitCode>;
}

export function defineCommand<S extends OptionSet>(definition: CommandDefinition<S>): Command {
  const options = { ...definition.options, ...COMMON };
  const { positionals } = definition;
  const most = positionals.some((name) => name.includes("...")) ? Infinity : positionals.length;
  const command: Command = {
    ...definition,
    options,
    async run(args, io, signal) {
      const line = parseOptions(options, args, most);
      if (line.values.help) {
        io.stdout.line(commandHelp(command, io.stdout.columns));
        return EXIT_CODES.ok.code;
      }
      const missing = positionals.filter((name) => name.startsWith("<"))[line.positionals.length];
      if (missing !== undefined) throw usage(`${missing} is missing.`);
      const context = { options: line.values, positionals: line.positionals, io, signal };
      return (await definition.run(context)) ?? EXIT_CODES.ok.code;
    },
  };
  return command;
}
