/** What WebGPU offers on this machine, for reports of problems and tools such as `millet doctor`. Keeps nothing open. */
import { isMilletError, type MilletError } from "@millet/core/errors";
import { OPTIONAL_FEATURES } from "./device/features.js";
import { findWebgpuPackage, isNode, navigatorGpu } from "./device/find-gpu.js";
import { limitsOf } from "./device/limits.js";
import { openDevice } from "./device/open-device.js";
import type { OptionalFeature, WebgpuOptions } from "./options.js";
import { Tuner } from "./tuning/tuner.js";

/** The npm package `webgpu`, which brings WebGPU to Node. */
export interface WebgpuPackage {
  readonly path: string;
  readonly version: string;
}

export interface WebgpuDeviceReport {
  /** One line: vendor, architecture, driver. */
  readonly description: string;
  /** Whether the processor does the work of a GPU. */
  readonly isSoftware: boolean;
  readonly features: Readonly<Record<OptionalFeature, boolean>>;
  /** Limits of WebGPU by their names; sizes in bytes. */
  readonly limits: Readonly<Record<string, number>>;
  /** What is off or slower than it could be, and why; each a full sentence. */
  readonly limitations: readonly string[];
  /** What earlier loads measured on it, if loading measures; full sentences. */
  readonly choices: readonly string[];
}

export interface WebgpuReport {
  /** Undefined in browsers, and in Node where it is not installed. */
  readonly package: WebgpuPackage | undefined;
  /** The device that `webgpu(options)` would use. */
  readonly device: WebgpuDeviceReport | undefined;
  /** Why there is none: BACKEND_UNAVAILABLE with `details.reason`. */
  readonly error: MilletError | undefined;
}

/** Opens the device that `webgpu(options)` would use, and closes it again. Failures are part of the report. */
export async function inspectWebgpu(options: WebgpuOptions = {}): Promise<WebgpuReport> {
  const found = await inspectPackage(options);
  try {
    return { package: found, device: await inspectDevice(options), error: undefined };
  } catch (error) {
    if (!isMilletError(error)) throw error;
    return { package: found, device: undefined, error };
  }
}

async function inspectDevice(options: WebgpuOptions): Promise<WebgpuDeviceReport> {
  const device = await openDevice(options);
  const features = OPTIONAL_FEATURES.map((name) => [name, device.features.has(name)] as const);
  const report = {
    description: device.description,
    isSoftware: device.isSoftware,
    features: Object.fromEntries(features) as Record<OptionalFeature, boolean>,
    limits: limitsOf(device.limits),
    limitations: device.limitations,
    choices: await new Tuner(device, options).remembered(),
  };
  device.destroy();
  return report;
}

async function inspectPackage({ gpu, device }: WebgpuOptions): Promise<WebgpuPackage | undefined> {
  if (!isNode() || gpu || device || navigatorGpu()) return undefined;
  const path = findWebgpuPackage();
  if (path === undefined) return undefined;
  const { readFile } = process.getBuiltinModule("node:fs/promises");
  const { dirname, join } = process.getBuiltinModule("node:path");
  try {
    const manifest: unknown = JSON.parse(await readFile(join(dirname(path), "package.json"), "utf8"));
    return { path, version: String((manifest as { version?: unknown }).version) };
  } catch (error) {
    return { path, version: `unknown (${error instanceof Error ? error.message : String(error)})` };
  }
}
