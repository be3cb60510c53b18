/**
 * The four WASM modules, each in a chunk of its own (gzipped, in base64) that is loaded only where it serves. Text
 * rather than files: no bundler needs to be told what to do with it, and in Node there is no path to find.
 */
import { importedPart, MilletError } from "@millet/core/errors";

export interface ModuleTraits {
  readonly relaxed: boolean;
  readonly shared: boolean;
}

/**
 * The compiled module for this kind of SIMD and memory.
 * @throws MilletError BACKEND_UNAVAILABLE if its chunk cannot be had or the page may not compile it
 */
export async function compileModule(traits: ModuleTraits): Promise<WebAssembly.Module> {
  const { gzippedBase64 } = await importedPart(chunkOf(traits), "the CPU backend");
  try {
    return await WebAssembly.compile(await gunzip(fromBase64(gzippedBase64)));
  } catch (cause) {
    throw notCompiled(cause);
  }
}

/** The error where WebAssembly code is not allowed to run. */
function notCompiled(cause: unknown): MilletError {
  return new MilletError(
    "BACKEND_UNAVAILABLE",
    `The CPU backend's WebAssembly code does not compile here (${String(cause)}). If the page has a ` +
      "Content-Security-Policy, add 'wasm-unsafe-eval' to its script-src.",
    { cause },
  );
}

/** Written out, because bundlers make a chunk of every literal import. */
function chunkOf({ relaxed, shared }: ModuleTraits): Promise<{ readonly gzippedBase64: string }> {
  if (relaxed && shared) return import("../../../build/relaxed-shared.js");
  if (relaxed) return import("../../../build/relaxed-unshared.js");
  if (shared) return import("../../../build/plain-shared.js");
  return import("../../../build/plain-unshared.js");
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
