/** WASM engines without a model, programs for them, and workers with a fault. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isMilletError, type MilletErrorCode } from "@millet/core/errors";
import { Fixed } from "../../assembly/memory.js";
import { Opcode } from "../../assembly/opcodes.js";
import type { Engine } from "../../src/engine/engine.js";
import { createWasmEngine, planWasm, type WasmOptions } from "../../src/engine/wasm/create.js";

export type MemoryKind = "shared" | "unshared";

export const MEBIBYTE = 2 ** 20;
/** Where tests put their programs. */
export const PROGRAM = Fixed.Reserved;

function optionsOf(memory: MemoryKind, workerUrl?: URL): WasmOptions {
  return { threads: 2, simd: "auto", memory, workerUrl, dot: undefined };
}

/** An engine of 1 MiB. */
export async function engineWith(
  memory: MemoryKind,
  maximumBytes = 4 * MEBIBYTE,
  workerUrl?: URL,
): Promise<Engine> {
  const options = optionsOf(memory, workerUrl);
  return createWasmEngine(planWasm(options), options, { initialBytes: MEBIBYTE, maximumBytes });
}

export function words(...values: number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

/** A step of length 0, which the interpreter runs again and again: gather_rows of no rows. */
export function endlessProgram(): Uint8Array {
  const zeroRows = (PROGRAM + 256) / 16;
  return words(Opcode.GatherRows, 0, 0, 0, 0, 0, 0, 0, zeroRows);
}

export async function codeOf(promise: Promise<unknown>): Promise<MilletErrorCode | undefined> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isMilletError(error) ? error.code : undefined;
}

/** Gives `use` the worker's script with `fault`, a text of JavaScript, in front of it. */
export async function withFaultyWorker<T>(fault: string, use: (url: URL) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "millet-worker-"));
  const worker = readFileSync(new URL("../../build/worker.js", import.meta.url), "utf8");
  writeFileSync(join(folder, "worker.js"), `${fault};\n${worker}`);
  try {
    return await use(pathToFileURL(join(folder, "worker.js")));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
