/**
 * Finds the entry point of WebGPU: the app's own, the browser's, or that of the npm package `webgpu` where it is
 * installed. The package is reached so that no bundler sees it.
 */
import type { WebgpuOptions } from "../options.js";
import { insecureContext, noWebgpu, packageFailed } from "./unavailable.js";

/** What the package `webgpu` exports, as far as it is used. */
interface NodeWebgpu {
  create(options: readonly string[]): GPU;
}

/** @throws MilletError BACKEND_UNAVAILABLE: no-webgpu, insecure-context, package-failed */
export async function findGpu({ gpu }: Pick<WebgpuOptions, "gpu">): Promise<GPU> {
  const found = gpu ?? navigatorGpu();
  if (found) return found;
  if (globalThis.isSecureContext === false) throw insecureContext();
  const path = findWebgpuPackage();
  if (path === undefined) throw noWebgpu(isNode());
  return (inNode ??= createInNode(path));
}

/** One for all devices: each would bring up the driver anew. */
let inNode: Promise<GPU> | undefined;

/** The platform's own: of pages, workers, and runtimes that bring WebGPU along. */
export function navigatorGpu(): GPU | undefined {
  return (globalThis.navigator as Partial<Navigator> | undefined)?.gpu;
}

/** Whether this is Node, or a runtime that has Node's modules. */
export function isNode(): boolean {
  return globalThis.process?.getBuiltinModule?.("node:module") !== undefined;
}

/**
 * The main file of the package `webgpu`, as this package sees it or else the folder in which the process runs:
 * a bundled server no longer lies beside its packages.
 */
export function findWebgpuPackage(): string | undefined {
  const node = globalThis.process?.getBuiltinModule?.("node:module");
  if (!node) return undefined;
  for (const base of [import.meta.url, `${process.cwd()}/`]) {
    try {
      return node.createRequire(base).resolve("webgpu");
    } catch (error) {
      if (!(error instanceof Error)) throw error; // not there, or `base` is no file
    }
  }
  return undefined;
}

async function createInNode(path: string): Promise<GPU> {
  const { pathToFileURL } = process.getBuiltinModule("node:url");
  const { href } = pathToFileURL(path);
  try {
    const { create } = (await import(
      /* @vite-ignore */ /* webpackIgnore: true */ /* turbopackIgnore: true */ href
    )) as NodeWebgpu;
    return create([]);
  } catch (cause) {
    inNode = undefined;
    throw packageFailed(path, cause);
  }
}
