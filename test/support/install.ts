/**
 * Packages in a node_modules folder outside of the repository, as a user's npm would put them: what the tarballs hold,
 * with no workspace link to fall back to.
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, linkSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { pack } from "../../scripts/check-packages.js";
import { ROOT, type Workspace, workspaces } from "../../scripts/workspaces.js";

/** Installs packages of this repository by their names, with the dependencies from elsewhere that they name. */
export function installPackages(names: readonly string[], modules: string): void {
  for (const workspace of workspaces().filter(({ manifest }) => names.includes(String(manifest.name)))) {
    unpack(workspace, modules);
    const dependencies = Object.keys(workspace.manifest.dependencies ?? {});
    for (const name of dependencies.filter((name) => !name.startsWith("@millet/")))
      linkFolder(join(ROOT, "node_modules", name), join(modules, name));
  }
}

function unpack(workspace: Workspace, modules: string): void {
  const target = join(modules, String(workspace.manifest.name));
  mkdirSync(target, { recursive: true });
  const tarball = pack(workspace, dirname(modules));
  execFileSync("tar", ["-xzf", tarball, "-C", target, "--strip-components=1"]);
}

/** Copies a folder by links, which costs nothing, where the file systems are one. */
export function linkFolder(from: string, to: string): void {
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
