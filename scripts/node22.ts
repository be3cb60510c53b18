/**
 * The oldest Node that the packages promise to run on, from the registry's per-platform packages.
 * It lives in scripts/node22/node_modules, apart from the pinned Node; installed when first asked for.
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "./workspaces.ts";

const FOLDER = join(ROOT, "scripts/node22");

export type Node22 = { readonly path: string } | { readonly path: undefined; readonly missing: string };

/** The path of Node 22's program; where it cannot be had, why. May take seconds the first time. */
export function node22(): Node22 {
  const installed = installedPath();
  if (installed !== undefined) return { path: installed };
  const { status, stderr } = spawnSync("npm ci", {
    cwd: FOLDER,
    encoding: "utf8",
    shell: true, // npm is a .cmd file on Windows
    timeout: 120_000,
  });
  const path = installedPath();
  if (path !== undefined) return { path };
  if (status === 0)
    return { path, missing: `no package of Node 22 for ${process.platform}-${process.arch} could be had` };
  return {
    path,
    missing: `Node 22 could not be installed (${stderr.trim().split("\n")[0] ?? "npm ci failed"})`,
  };
}

function installedPath(): string | undefined {
  const system = { darwin: "darwin", win32: "win" }[process.platform as string] ?? process.platform;
  const names = [`node-${system}-${process.arch}`, `node-bin-${system}-${process.arch}`];
  const program = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  return names.map((name) => join(FOLDER, "node_modules", name, program)).find((path) => existsSync(path));
}
