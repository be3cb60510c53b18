/**
 * `npm run check`: everything about the repository that is not a test. All checks run, then one line tells
 * which failed. `npm run check -- types imports` runs some of them.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { manifestProblems } from "./check-manifests.ts";
import { packageProblems } from "./check-packages.ts";
import { turbo } from "./turbo.ts";
import { leftOut, ROOT, workspaces } from "./workspaces.ts";

const BIN = {
  biome: "@biomejs/biome/bin/biome",
  tsc: "typescript/bin/tsc",
  depcruise: "dependency-cruiser/bin/dependency-cruiser.mjs",
};

/** Each check prints what it finds and returns true if it found nothing. */
const CHECKS: Record<string, () => boolean | Promise<boolean>> = {
  manifests: () => report(manifestProblems()),
  lint: () => tool("biome", "check", "--error-on-warnings", "."),
  types: () => build() && compileAll(),
  imports: () => build() && tool("depcruise", "--config", ".dependency-cruiser.js", ...sourceFolders()),
  packages: async () => build() && report(await packageProblems()),
};

function tool(name: keyof typeof BIN, ...args: string[]): boolean {
  const program = join(ROOT, "node_modules", BIN[name]);
  return spawnSync(process.execPath, [program, ...args], { cwd: ROOT, stdio: "inherit" }).status === 0;
}

let built: boolean | undefined;

/** Types, imports and packages are checked against what is built. */
function build(): boolean {
  built ??= turbo(["run", "build"]) === 0;
  return built;
}

/** Every tsconfig.json of a package, tests included, and the root's own scripts. An example's tests have their own. */
function compileAll(): boolean {
  const folders = [
    ".",
    ...workspaces().flatMap(({ folder }) => [folder, `${folder}/native`, `${folder}/test`]),
    ...leftOut().map((folder) => `${folder}/test`), // their sources are checked by their own tests
  ];
  const typed = folders.filter((folder) => existsSync(join(ROOT, folder, "tsconfig.json")));
  return typed.map((folder) => tool("tsc", "--project", folder)).every(Boolean);
}

function sourceFolders(): string[] {
  return ["packages", "examples", "scripts", "test"].filter((folder) => existsSync(join(ROOT, folder)));
}

function report(problems: readonly string[]): boolean {
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in CHECKS));
if (unknown.length > 0)
  throw new Error(`No such check: ${unknown.join(", ")}. There are ${Object.keys(CHECKS).join(", ")}.`);

const failed: string[] = [];
for (const [name, run] of Object.entries(CHECKS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const start = performance.now();
  const good = await run();
  console.log(`${good ? "ok    " : "FAILED"} ${name} (${((performance.now() - start) / 1000).toFixed(1)} s)`);
  if (!good) failed.push(name);
}
if (failed.length > 0) {
  console.error(`npm run check: ${failed.join(", ")} failed.`);
  process.exitCode = 1;
}
