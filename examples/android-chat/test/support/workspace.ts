/** The example outside of the repository as a user's copy would be: with what npm puts there, and Millet as it is packed. */
import { cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../../../scripts/workspaces.js";
import { installPackages, linkFolder } from "../../../../test/support/install.js";

export const EXAMPLE = join(ROOT, "examples/android-chat");

/** @param installed the folder of test/android-app @returns a new folder with the app and its node_modules */
export function createApp(installed: string): string {
  const folder = mkdtempSync(join(tmpdir(), "millet-android-"));
  const isPart = (path: string) => !/android-chat\/(node_modules|\.expo|android|test)(\/|$)/.test(path);
  cpSync(EXAMPLE, folder, { recursive: true, filter: isPart });
  const modules = join(folder, "node_modules");
  linkFolder(join(installed, "node_modules"), modules);
  cpSync(join(EXAMPLE, "modules/device-facts"), join(modules, "device-facts"), { recursive: true });
  installPackages(["@millet/core", "@millet/backend-nnapi"], modules);
  return folder;
}
