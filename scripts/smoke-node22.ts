/**
 * `npm run smoke:node22`: runs the built packages on Node 22. Every entry point of every published package
 * is imported, then the package's own test/node22.smoke.js runs, if it has one. Needs built packages.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { node22 } from "./node22.ts";
import { type Exports, isPublished, type Workspace, workspaces } from "./workspaces.ts";

const SMOKE = "test/node22.smoke.js";

export interface SmokeRun {
  readonly name: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

/** What to run with Node 22: one program that imports each entry point, and the smoke tests. */
export function smokeRuns(all: readonly Workspace[] = workspaces()): SmokeRun[] {
  return all.filter(isPublished).flatMap(({ path, manifest }) => {
    const entries = Object.entries(manifest.exports ?? {}).filter(([, target]) => isCode(target));
    const specifiers = entries.map(([entry]) => join(manifest.name ?? "", entry).replaceAll("\\", "/"));
    const imports = specifiers.map((specifier) => ({
      name: `import ${specifier}`,
      args: ["--input-type=module", "--eval", `await import(${JSON.stringify(specifier)})`],
      cwd: path,
    }));
    if (!existsSync(join(path, SMOKE))) return imports;
    return [...imports, { name: `${manifest.name} ${SMOKE}`, args: [SMOKE], cwd: path }];
  });
}

function isCode(target: Exports): boolean {
  const file = typeof target === "string" ? target : target.default;
  return typeof file === "string" && file.endsWith(".js");
}

/** Runs one program; returns what went wrong, or undefined. */
export function runOn(node: string, { args, cwd }: Pick<SmokeRun, "args" | "cwd">): string | undefined {
  const { status, stderr, error } = spawnSync(node, args, { cwd, encoding: "utf8", timeout: 60_000 });
  if (status === 0) return undefined;
  return `${error?.message ?? `exit ${status}`}\n${stderr}`;
}

if (import.meta.main) {
  const node = node22();
  if (node.path === undefined) {
    console.log(`Not run: ${node.missing}.`);
  } else {
    for (const run of smokeRuns()) {
      const problem = runOn(node.path, run);
      console.log(
        `${problem === undefined ? "ok    " : "FAILED"} ${run.name}${problem ? `\n${problem}` : ""}`,
      );
      if (problem !== undefined) process.exitCode = 1;
    }
  }
}
