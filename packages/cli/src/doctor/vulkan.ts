/** The Vulkan drivers that a Linux system names, which WebGPU in Node goes by. Loads none of them. */
import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";

/** Where the Vulkan loader looks for manifests of drivers, besides the user's own folders. */
const FOLDERS = ["/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/usr/share/vulkan/icd.d"];

/** A sentence; undefined on other systems. */
export function vulkanDrivers(
  env: NodeJS.ProcessEnv = process.env,
  folders: readonly string[] = FOLDERS,
): string | undefined {
  if (process.platform !== "linux") return undefined;
  const variable = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"].find((name) => env[name]);
  if (variable !== undefined) {
    const files = env[variable]!.split(":");
    const missing = files.filter((file) => !existsSync(file));
    const note = missing.length > 0 ? `, of which there is no ${missing.join(" and no ")}` : "";
    return `${variable} names the only Vulkan drivers: ${files.join(", ")}${note}`;
  }
  const found = folders
    .filter(existsSync)
    .flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  if (found.length === 0) return `no Vulkan driver is installed: there is no file in ${folders.join(", ")}`;
  return `Vulkan drivers installed: ${found.map((file) => basename(file, ".json")).join(", ")}`;
}
