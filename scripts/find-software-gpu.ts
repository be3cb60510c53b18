/**
 * Finds SwiftShader, the Vulkan driver that computes on the processor: Chromium comes with it and with a Vulkan loader,
 * and the package `webgpu` runs on them where there is no GPU. Both are chosen by environment variables, which a
 * process must be started with. Starts and installs nothing.
 */
import { existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** Where Linux distributions keep what belongs to their command, which is a script. */
const FOLDERS = [
  "/usr/lib/chromium",
  "/usr/lib/chromium-browser",
  "/usr/lib64/chromium-browser",
  "/opt/google/chrome",
];

const LOADER = "libvulkan.so.1";
const DRIVER = "vk_swiftshader_icd.json";

/**
 * The folder with SwiftShader and the loader, or undefined where there is none.
 * @param browser a program, as find-browser.ts finds it
 */
export function findSoftwareGpu(browser: string | undefined): string | undefined {
  const beside = browser === undefined ? [] : [dirname(realpathSync(browser))];
  return [...beside, ...FOLDERS].find((folder) =>
    [LOADER, DRIVER].every((file) => existsSync(join(folder, file))),
  );
}

/** What a process must be started with to use the SwiftShader in `folder`, and no other driver. */
export function softwareGpuEnvironment(
  folder: string,
  env: NodeJS.ProcessEnv = process.env,
): Record<"LD_LIBRARY_PATH" | "VK_ICD_FILENAMES", string> {
  const others = env.LD_LIBRARY_PATH ? [env.LD_LIBRARY_PATH] : [];
  return {
    LD_LIBRARY_PATH: [folder, ...others].join(delimiter),
    VK_ICD_FILENAMES: join(folder, DRIVER),
  };
}

/**
 * Which GPU tests take in Node: SwiftShader on Linux, so that results do not depend on the machine, unless MILLET_GPU
 * is "real". Other systems have a driver of their own.
 */
export function wantsSoftwareGpu(env: NodeJS.ProcessEnv = process.env): boolean {
  return process.platform === "linux" && env.MILLET_GPU !== "real";
}
