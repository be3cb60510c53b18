/**
 * How every package is bundled: ESM for Node 22 and current browsers, with types and source maps.
 * Entries follow from package.json: an export of "./dist/a/b.js" is built from "src/a/b.ts", so that
 * a new entry point is one line in "exports" and nothing here.
 */
import { readFileSync } from "node:fs";
import type { Options } from "tsup";

interface Manifest {
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
}

interface Overrides extends Omit<Options, "entry"> {
  /** Entries that are not exported (workers). */
  readonly entry?: Record<string, string>;
  /** Comments stay, and spaces with them: some tell bundlers what to leave alone. */
  readonly keepsComments?: boolean;
}

/** Options for tsup, run in the package's folder. */
export function preset({ keepsComments = false, ...overrides }: Overrides = {}): Options {
  const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
  return {
    format: "esm",
    target: "es2022", // lowers `await using`, which Node 22 does not parse
    platform: "neutral",
    dts: true,
    clean: true,
    sourcemap: true,
    // A cold process waits for its scripts to be compiled. Names stay, for stacks; lines are in the source maps.
    esbuildOptions: (options) => {
      options.minifyWhitespace = !keepsComments;
      options.minifySyntax = !keepsComments;
      options.lineLimit = 120; // Node shows the line of an uncaught error
    },
    ...overrides,
    entry: { ...exportedEntries(manifest), ...overrides.entry },
  };
}

function exportedEntries(manifest: Manifest): Record<string, string> {
  const entries: Record<string, string> = {};
  for (const target of Object.values(manifest.exports ?? {})) {
    const file = typeof target === "string" ? target : target.default;
    const name = file?.match(/^\.\/dist\/(.+)\.js$/)?.[1];
    if (name !== undefined) entries[name] = `src/${name}.ts`;
  }
  return entries;
}
