/** What the native engine is made of: its sources, and the ISA levels of each architecture with their compiler flags. */
import { globSync } from "node:fs";
import { join } from "node:path";

export const NATIVE = join(import.meta.dirname, "..");

export interface Level {
  readonly name: string;
  readonly flags: readonly string[];
  /** The base level has every kernel; the others only `LEVEL_KERNELS`. */
  readonly base?: boolean;
}

/** Kernels that each level has in a form of its own: see kernels/kernels.h. */
const LEVEL_KERNELS = ["kernels/attention.cc", "kernels/linear*.cc", "kernels/table.cc"];

/** Of each architecture, best first. The flags of a level, and no others, decide which instructions its kernels may use. */
const LEVELS: Readonly<Record<string, readonly Level[]>> = {
  x64: [
    {
      name: "avx512vnni",
      flags: ["-mavx2", "-mf16c", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni"],
    },
    { name: "avxvnni", flags: ["-mavx2", "-mf16c", "-mavxvnni"] },
    { name: "avx2", flags: ["-mavx2", "-mf16c"], base: true },
  ],
  arm64: [{ name: "neon_dotprod", flags: ["-march=armv8.2-a+dotprod"], base: true }],
};

/** The levels of an architecture, best first; `only` that one and the base level, which is also called "base". */
export function levelsOf(arch: string, only?: string): readonly Level[] {
  const all = LEVELS[arch] ?? [];
  if (only === undefined) return all;
  const chosen = all.filter(({ name, base }) => base || name === only);
  if (only !== "base" && !chosen.some(({ name }) => name === only)) {
    throw new Error(`no level ${only} for ${arch}: there are ${all.map(({ name }) => name).join(", ")}`);
  }
  return chosen;
}

/** The C++ header that lists the levels of a build, for engine/isa.cc. */
export function levelsHeader(levels: readonly Level[]): string {
  const base = levels.find((level) => level.base)?.name;
  return [
    "// Made by tools/sources.ts: the ISA levels of this build, best first, and the one that has every kernel.",
    "#pragma once\n",
    `#define MILLET_LEVELS(F) ${levels.map(({ name }) => `F(${name})`).join(" ")}`,
    `#define MILLET_BASE ${base}\n`,
  ].join("\n");
}

/** One compiler run. */
export interface Unit {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

/** The engine without Node: everything but the addon. */
export function engineUnits(levels: readonly Level[]): Unit[] {
  const plain = sourcesOf("engine/*.cc").map((source) => unit(source, "engine", []));
  const all = sourcesOf("kernels/*.cc");
  const own = LEVEL_KERNELS.flatMap(sourcesOf);
  const kernels = levels.flatMap(({ name, flags, base }) =>
    (base ? all : own).map((source) =>
      unit(source, name, [...flags, `-DMILLET_LEVEL=${name}`, ...(base ? ["-DMILLET_BASE_LEVEL"] : [])]),
    ),
  );
  return [...plain, ...kernels];
}

export function folderUnits(folder: string, flags: readonly string[]): Unit[] {
  return sourcesOf(`${folder}/*.cc`).map((source) => unit(source, folder, flags));
}

/** One source without flags of its own. */
export function unitOf(source: string): Unit {
  return unit(source, "single", []);
}

function sourcesOf(pattern: string): string[] {
  return globSync(pattern, { cwd: NATIVE }).sort();
}

function unit(source: string, level: string, flags: readonly string[]): Unit {
  return { source, object: `${level}-${source.replace(/^.*\//, "").replace(/\.cc$/, "")}.o`, flags };
}
