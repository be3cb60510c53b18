/**
 * A folder outside of the repository as a user's would be: the bundlers, and Millet as it would be published. What
 * bundlers find there is what is in the packages, with no workspace link to fall back to.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pack } from "../../../scripts/check-packages.js";
import { ROOT, type Workspace, workspaces } from "../../../scripts/workspaces.js";

/** What an app installs, and the native engine of this platform where it was built. */
const INSTALLED = ["core", "backend-cpu", `backend-cpu-${process.platform}-${process.arch}`];

export const APPS = ["vite", "webpack", "next", "esbuild"] as const;
export type App = (typeof APPS)[number];

/** @param installed the folder of the bundlers' package.json @returns a new folder with one folder per app */
export function createWorkspace(installed: string): string {
  const folder = mkdtempSync(join(tmpdir(), "millet-bundlers-"));
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join(installed, file), join(folder, file));
  const modules = join(folder, "node_modules");
  linkFolder(join(installed, "node_modules"), modules);
  linkFolder(join(ROOT, "node_modules/@huggingface/jinja"), join(modules, "@huggingface/jinja"));
  for (const workspace of workspaces().filter(isInstalled)) unpack(workspace, modules);
  for (const app of APPS) {
    cpSync(join(installed, "apps/shared"), join(folder, app), { recursive: true });
    cpSync(join(installed, "apps", app), join(folder, app), { recursive: true });
  }
  return folder;
}

function isInstalled({ path, folder }: Workspace): boolean {
  const isBuilt = existsSync(join(path, "dist")) || existsSync(join(path, "build/millet-cpu.node"));
  return INSTALLED.some((name) => folder === `packages/${name}`) && isBuilt;
}

function unpack(workspace: Workspace, modules: string): void {
  const target = join(modules, String(workspace.manifest.name));
  mkdirSync(target, { recursive: true });
  const tarball = pack(workspace, dirname(modules));
  execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
}

/** Copies a folder by links, which costs nothing, where the file systems are one. */
function linkFolder(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkFolder(source, target);
    else if (entry.isFile()) linkFile(source, target);
  }
}

function linkFile(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}
