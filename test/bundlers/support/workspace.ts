/**
 * A folder outside of the repository as a user's would be: the bundlers, and Millet as it would be published. What
 * bundlers find there is what is in the packages, with no workspace link to fall back to.
 */
import { copyFileSync, cpSync, existsSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../../scripts/workspaces.js";
import { installPackages, linkFolder } from "../../support/install.js";

/** The native engine of this platform, where it was built. */
const NATIVE = `backend-cpu-${process.platform}-${process.arch}`;

export const APPS = ["vite", "webpack", "next", "esbuild"] as const;
export type App = (typeof APPS)[number];

/** @param installed the folder of the bundlers' package.json @returns a new folder with one folder per app */
export function createWorkspace(installed: string): string {
  const folder = mkdtempSync(join(tmpdir(), "millet-bundlers-"));
  for (const file of ["package.json", "package-lock.json"])
    copyFileSync(join(installed, file), join(folder, file));
  const modules = join(folder, "node_modules");
  linkFolder(join(installed, "node_modules"), modules);
  linkFolder(join(ROOT, "node_modules/webgpu"), join(modules, "webgpu")); // for servers; no page may get it
  const isNativeBuilt = existsSync(join(ROOT, "packages", NATIVE, "build/millet-cpu.node"));
  const names = ["core", "backend-cpu", "backend-webgpu", ...(isNativeBuilt ? [NATIVE] : [])];
  installPackages(
    names.map((name) => `@millet/${name}`),
    modules,
  );
  for (const app of APPS) {
    cpSync(join(installed, "apps/shared"), join(folder, app), { recursive: true });
    cpSync(join(installed, "apps", app), join(folder, app), { recursive: true });
  }
  return folder;
}
