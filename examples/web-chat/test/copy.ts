/** The example as a user has it: copied out of the repository, beside Millet's packages as they would be published. */
import { cpSync, mkdtempSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT, readManifest } from "../../../scripts/workspaces.js";
import { installPackages, linkFolder } from "../../../test/support/install.js";

const EXAMPLE = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["index.html", "package.json", "src", "tsconfig.json", "vite.config.ts"];

/** Vite's command in such a folder. */
export const VITE = "node_modules/vite/bin/vite.js";

/** @returns a new folder, ready for Vite; the caller removes it */
export function copyExample(): string {
  const folder = mkdtempSync(join(tmpdir(), "millet-web-chat-"));
  for (const name of COPIED) cpSync(join(EXAMPLE, name), join(folder, name), { recursive: true });
  const modules = join(folder, "node_modules");
  const names = Object.keys(readManifest(EXAMPLE).dependencies ?? {});
  const models = names.filter((name) => name.startsWith("@millet/model-"));
  installPackages(
    names.filter((name) => !models.includes(name)),
    modules,
  );
  // Packing a model takes seconds.
  for (const name of models)
    linkFolder(join(ROOT, "packages", name.slice("@millet/".length)), join(modules, name));
  symlinkSync(join(ROOT, "node_modules/vite"), join(modules, "vite"), "junction");
  return folder;
}
