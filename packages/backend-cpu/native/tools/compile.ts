/** Runs the system's C++ compiler: finds it, compiles units side by side, links. Objects that are up to date are kept. */
import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { programHeader } from "./program-header.ts";
import { type Level, levelsHeader, NATIVE, type Unit } from "./sources.ts";

const exec = promisify(execFile);

export interface Compiler {
  /** Program, and arguments that always come first. */
  readonly command: readonly [string, ...string[]];
  /** First line of its version. */
  readonly version: string;
  /** Node's names of what it compiles for. */
  readonly platform: string;
  readonly arch: string;
}

const PLATFORMS = [
  [/linux/, "linux"],
  [/darwin/, "darwin"],
  [/mingw|windows/, "win32"],
] as const;
const ARCHS = [
  [/^x86_64/, "x64"],
  [/^(aarch64|arm64)/, "arm64"],
] as const;

/** Cross compilers by their usual names. */
const CROSS: Readonly<Record<string, string>> = {
  "linux-arm64": "aarch64-linux-gnu-g++",
  "linux-x64": "x86_64-linux-gnu-g++",
};

/**
 * A C++ compiler for the target: the one named by $CXX (with arguments, if any), or the first of the system's that fits.
 * @param target "linux-x64"; whatever the compiler makes if undefined
 */
export function findCompiler(target?: string): Compiler | undefined {
  const named = process.env.CXX;
  const cross = target === undefined ? undefined : CROSS[target];
  const candidates = named ? [named] : ["c++", "g++", "clang++", ...(cross ? [cross] : [])];
  return candidates
    .map(inspect)
    .find((found) => found !== undefined && (target === undefined || target === targetOf(found)));
}

/** Node's name of what a compiler compiles for: "linux-x64". */
export function targetOf({ platform, arch }: Compiler): string {
  return `${platform}-${arch}`;
}

function inspect(text: string): Compiler | undefined {
  const [program = "", ...first] = text.split(" ").filter((word) => word !== "");
  try {
    const run = (flag: string) =>
      execFileSync(program, [...first, flag], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
    const machine = run("-dumpmachine").trim();
    const name = (names: readonly (readonly [RegExp, string])[]) =>
      names.find(([pattern]) => pattern.test(machine))?.[1] ?? machine;
    return {
      command: [program, ...first],
      version: run("--version").split("\n")[0]!,
      platform: name(PLATFORMS),
      arch: name(ARCHS),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export interface Build {
  readonly compiler: Compiler;
  /** Where objects go. */
  readonly folder: string;
  readonly levels: readonly Level[];
  readonly units: readonly Unit[];
  /** Flags of every compiler run. */
  readonly flags: readonly string[];
  readonly linkFlags: readonly string[];
  readonly output: string;
}

/**
 * IEEE arithmetic as written, so that all levels and the WASM engine give the same bits: no contraction to FMA. Errno is
 * not set, which lets sqrt be one instruction.
 */
const COMMON = ["-std=c++20", "-O3", "-g0", "-pthread", "-ffp-contract=off", "-fno-math-errno"];
/** GCC 12 takes the intrinsics' own undefined operands for mistakes (its bug 105593), which Clang does not know. */
const WARNINGS = [
  "-Wall",
  "-Wextra",
  "-Wno-psabi",
  "-Wno-maybe-uninitialized",
  "-Wno-unknown-warning-option",
];

/** Compiles and links. @returns false if everything was up to date */
export async function build(options: Build): Promise<boolean> {
  const { compiler, folder, levels, units, flags, linkFlags, output } = options;
  const generated = join(folder, "generated");
  mkdirSync(generated, { recursive: true });
  const made = { "opcodes.h": programHeader(join(NATIVE, "../assembly")), "levels.h": levelsHeader(levels) };
  for (const [name, text] of Object.entries(made)) writeFileSync(join(generated, name), text);
  const position = compiler.platform === "win32" ? [] : ["-fPIC"]; // Windows moves all code
  const shared = [...COMMON, ...position, ...WARNINGS, `-I${generated}`, ...flags];
  const texts = [...Object.values(made), headers()];
  const state = fingerprint([compiler.version, ...texts, shared.join(" "), linkFlags.join(" ")]);
  const stale = units.filter((unit) => !isCurrent(folder, unit, state));
  await inParallel(stale, async (unit) => {
    const path = join(folder, unit.object);
    await run(compiler, [...shared, ...unit.flags, "-c", join(NATIVE, unit.source), "-o", path]);
    writeFileSync(`${path}.state`, stateOf(unit, state));
  });
  if (stale.length === 0 && existsSync(output)) return false;
  mkdirSync(join(output, ".."), { recursive: true });
  const objects = units.map(({ object }) => join(folder, object));
  const system = ["-pthread", ...(compiler.platform === "win32" ? ["-lsynchronization"] : [])];
  await run(compiler, [...objects, ...flags, ...linkFlags, "-o", output, ...system]);
  return true;
}

/** All headers: a change to any compiles everything again, which takes seconds. */
function headers(): string {
  return globSync("**/*.h", { cwd: NATIVE, exclude: ["build"] })
    .sort()
    .map((file) => readFileSync(join(NATIVE, file), "utf8"))
    .join("\0");
}

function fingerprint(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\0")).digest("hex");
}

function stateOf(unit: Unit, state: string): string {
  return fingerprint([state, unit.flags.join(" "), readFileSync(join(NATIVE, unit.source), "utf8")]);
}

function isCurrent(folder: string, unit: Unit, state: string): boolean {
  const file = join(folder, `${unit.object}.state`);
  return existsSync(file) && readFileSync(file, "utf8") === stateOf(unit, state);
}

async function run({ command: [program, ...first] }: Compiler, rest: readonly string[]): Promise<void> {
  const args = [...first, ...rest];
  try {
    const { stderr } = await exec(program, args, { maxBuffer: 1 << 26 });
    if (stderr) console.error(stderr);
  } catch (error) {
    throw new Error(`${program} ${args.join(" ")} failed\n${(error as { stderr?: string }).stderr ?? ""}`, {
      cause: error,
    });
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const worker = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, worker));
}
