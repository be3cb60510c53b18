/** Starts the Chromium that `browser()` of availability.ts found, headless, with a fresh profile. */
import { type Browser, chromium } from "playwright-core";

/**
 * Chromium's own for WebGPU on SwiftShader, its Vulkan driver that computes on the processor. SwiftShader unrolls the
 * zeroing of workgroup memory, on which kernels do not rely: compiling one would take seconds.
 */
export const SOFTWARE_WEBGPU = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-dawn-features=disable_workgroup_init",
];

/** To Chromium a page whose responses pass through the test is no local one, and Vite's page opens a WebSocket. */
export const LOOPBACK_FOR_ANY_PAGE = "--disable-features=LocalNetworkAccessChecks";

/** The caller closes it. `args` are Chromium's own, such as "--enable-unsafe-webgpu". */
export function launchBrowser(executable: string, args: readonly string[] = []): Promise<Browser> {
  const asRoot = process.getuid?.() === 0 ? ["--no-sandbox"] : []; // Chromium's sandbox refuses root
  return chromium.launch({
    executablePath: executable,
    args: [...asRoot, "--disable-dev-shm-usage", ...args],
  });
}
