/** A random Llama of a few hundred KB as a file of its own, made by the repository's script. */
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export interface TinyModel {
  readonly path: string;
  /** An empty place for files beside it, another one each time. */
  folder(): Promise<string>;
  remove(): Promise<void>;
}

export async function makeTinyModel(dtype = "q8_0"): Promise<TinyModel> {
  const root = await mkdtemp(join(tmpdir(), "millet-test-"));
  const path = join(root, "tiny.gguf");
  const script = fileURLToPath(new URL("../../../../scripts/make-random-model.mjs", import.meta.url));
  await promisify(execFile)(process.execPath, [script, "--shape", "tiny", "--dtype", dtype, "--out", path]);
  return {
    path,
    folder: () => mkdtemp(join(root, "files-")),
    remove: () => rm(root, { recursive: true }),
  };
}
