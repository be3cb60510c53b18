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
const LEVEL_KERNELS = ["kernels/attention.cc", "kernels/linear.cc", "kernels/table.cc"];

/** The flags of a level, and no others, decide which instructions its kernels may use. */
export const LEVELS: Readonly<Record<string, readonly Level[]>> = {
  x64: [
    { name: "avx2", flags: ["-mavx2", "-mf16c"], base: true },
    { name: "avxvnni", flags: ["-mavx2", "-mf16c", "-mavxvnni"] },
    {
      name: "avx512vnni",
      flags: ["-mavx2", "-mf16c", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq", "-mavx512vnni"],
    },
  ],
  arm64: [{ name: "neon_dotprod", flags: ["-march=armv8.2-a+dotprod"], base: true }],
};

/** One compiler run. */
export interface Unit {
  readonly source: string;
  readonly object: string;
  readonly flags: readonly string[];
}

/** The engine without Node: everything but the addon. */
export function engineUnits(arch: string): Unit[] {
  const plain = sourcesOf("engine").map((source) => unit(source, "engine", []));
  const kernels = sourcesOf("kernels");
  const levels = (LEVELS[arch] ?? []).flatMap(({ name, flags, base }) =>
    (base ? kernels : LEVEL_KERNELS).map((source) =>
      unit(source, name, [...flags, `-DMILLET_LEVEL=${name}`, ...(base ? ["-DMILLET_BASE_LEVEL"] : [])]),
    ),
  );
  return [...plain, ...levels];
}

export function folderUnits(folder: string, flags: readonly string[]): Unit[] {
  return sourcesOf(folder).map((source) => unit(source, folder, flags));
}

/** One source without flags of its own. */
export function unitOf(source: string): Unit {
  return unit(source, "single", []);
}

function sourcesOf(folder: string): string[] {
  return globSync(`${folder}/*.cc`, { cwd: NATIVE }).sort();
}

function unit(source: string, level: string, flags: readonly string[]): Unit {
  return { source, object: `${level}-${source.replace(/^.*\//, "").replace(/\.cc$/, "")}.o`, flags };
}
