/**
 * Options of commands as data: `parseOptions` reads them from a command line with their types, `help.ts` prints
 * them. A wrong command line is MilletError INVALID_ARGUMENT.
 */
import { parseArgs } from "node:util";
import { MilletError } from "@millet/core";

/** One option; `T` is what its value becomes, undefined where it was not given. */
export interface Option<T> {
  readonly help: string;
  /** Name of the value in the help; none for a flag. */
  readonly placeholder?: string;
  readonly short?: string;
  readonly parse: (given: readonly string[], name: string) => T;
}

export type OptionSet = Readonly<Record<string, Option<unknown>>>;
export type OptionValues<S extends OptionSet> = { readonly [K in keyof S]: ReturnType<S[K]["parse"]> };

export interface ParsedLine<S extends OptionSet> {
  readonly values: OptionValues<S>;
  readonly positionals: readonly string[];
}

const last = (given: readonly string[]): string | undefined => given[given.length - 1];

/** True where given. */
export function flag(help: string, short?: string): Option<boolean> {
  return { help, ...(short === undefined ? {} : { short }), parse: (given) => given.length > 0 };
}

export function text(placeholder: string, help: string, short?: string): Option<string | undefined> {
  return { help, placeholder, ...(short === undefined ? {} : { short }), parse: last };
}

/** May be given several times. */
export function texts(placeholder: string, help: string): Option<readonly string[]> {
  return { help, placeholder, parse: (given) => given };
}

export function choice<const C extends string>(choices: readonly C[], help: string): Option<C | undefined> {
  return {
    help,
    placeholder: choices.join("|"),
    parse(given, name) {
      const value = last(given);
      if (value === undefined) return undefined;
      const found = choices.find((item) => item === value);
      if (found === undefined) throw usage(`--${name} is one of ${choices.join(", ")}, not "${value}".`);
      return found;
    },
  };
}

/** A number from `min` to `max`, both included. */
export function number(
  help: string,
  { min = -Infinity, max = Infinity, placeholder = "X" } = {},
): Option<number | undefined> {
  return {
    help,
    placeholder,
    parse(given, name) {
      const value = last(given);
      if (value === undefined) return undefined;
      const parsed = Number(value);
      if (value.trim() === "" || !(parsed >= min && parsed <= max))
        throw usage(`--${name} takes a number${range(min, max)}, not "${value}".`);
      return parsed;
    },
  };
}

/** An integer from `min` to `max`, both included. */
export function integer(
  help: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER, placeholder = "N" } = {},
): Option<number | undefined> {
  const { parse } = number(help, { min, max });
  return {
    help,
    placeholder,
    parse(given, name) {
      const value = parse(given, name);
      if (value !== undefined && !Number.isSafeInteger(value))
        throw usage(`--${name} takes a whole number, not "${last(given)}".`);
      return value;
    },
  };
}

function range(min: number, max: number): string {
  if (min > -Infinity && max < Infinity && max < Number.MAX_SAFE_INTEGER) return ` from ${min} to ${max}`;
  return min > -Infinity ? ` of at least ${min}` : "";
}

/**
 * Reads `args` by `options`.
 * @param maxPositionals most arguments without a name that the command takes
 * @throws MilletError INVALID_ARGUMENT with what is wrong
 */
export function parseOptions<S extends OptionSet>(
  options: S,
  args: readonly string[],
  maxPositionals: number,
): ParsedLine<S> {
  const { values, positionals } = split(options, args);
  if (positionals.length > maxPositionals)
    throw usage(`Unexpected argument "${positionals[maxPositionals]}".${quoteHint(positionals)}`);
  const entries = Object.entries(options).map(([name, option]) => {
    const given = values[name] ?? [];
    return [name, option.parse(given.map(String), name)];
  });
  return { values: Object.fromEntries(entries) as OptionValues<S>, positionals };
}

function split(options: OptionSet, args: readonly string[]) {
  const config = Object.entries(options).map(([name, { placeholder, short }]) => {
    const type: "string" | "boolean" = placeholder === undefined ? "boolean" : "string";
    return [name, { type, multiple: true as const, ...(short === undefined ? {} : { short }) }] as const;
  });
  try {
    return parseArgs({ args: [...args], options: Object.fromEntries(config), allowPositionals: true });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const message = error.message.split(/\. To specify|\n/)[0]!.replace(/\.?$/, ".");
    throw new MilletError("INVALID_ARGUMENT", message, { cause: error });
  }
}

function quoteHint(positionals: readonly string[]): string {
  return positionals.length > 2 ? " Put quotes around a text with spaces." : "";
}

/** The error for a wrong command line. */
export function usage(message: string): MilletError {
  return new MilletError("INVALID_ARGUMENT", message);
}
