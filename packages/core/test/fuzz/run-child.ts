/** Bundles a fuzzing program and runs it in a Node process with a capped heap. */
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface ChildOptions {
  readonly args: readonly (string | number)[];
  /** Of the JavaScript heap (V8's old space). */
  readonly heapMegabytes: number;
  /** A child that runs longer is killed and counts as hanging. */
  readonly timeoutMs: number;
}

/**
 * What the program prints.
 * @param program beside this file
 * @throws Error with what the child wrote to standard error, if it fails, hangs or runs out of memory
 */
export async function runChild(
  program: string,
  { args, heapMegabytes, timeoutMs }: ChildOptions,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millet-fuzz-"));
  const outfile = join(folder, "program.mjs");
  try {
    await build({
      entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile,
      sourcemap: "inline",
      logLevel: "silent",
    });
    const flags = [`--max-old-space-size=${heapMegabytes}`, "--enable-source-maps"];
    return await run([...flags, outfile, ...args.map(String)], timeoutMs);
  } finally {
    await rm(folder, { recursive: true });
  }
}

function run(args: readonly string[], timeoutMs: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], timeout: timeoutMs });
    let output = "";
    let errors = "";
    child.stdout.on("data", (text) => (output += text));
    child.stderr.on("data", (text) => (errors += text));
    child.on("error", reject);
    child.on("close", (status, signal) => {
      if (status === 0) return resolve(output);
      const how =
        signal === "SIGTERM" ? `was stopped after ${timeoutMs} ms` : `ended with ${signal ?? status}`;
      reject(new Error(`The child ${how}.\n${errors.slice(0, 6000)}`));
    });
  });
}
