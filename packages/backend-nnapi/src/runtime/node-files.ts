/** RuntimeFiles in a folder, in Node. Asks for Node's modules when it is called, so that it can be bundled for others. */
import { MilletError } from "@millet/core/errors";
import type { RuntimeFiles } from "./files.js";

/**
 * @param folder made when the first file is written
 * @throws MilletError UNSUPPORTED_PLATFORM elsewhere; its methods reject with what Node fails with
 */
export function nodeFiles(folder: string): RuntimeFiles {
  const load = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (!load) {
    const how = "Pass an object that writes files by the means of your platform.";
    throw new MilletError("UNSUPPORTED_PLATFORM", `nodeFiles() works in Node 22.3 and above only. ${how}`);
  }
  const fs = load("node:fs/promises");
  const { join, resolve } = load("node:path");
  const root = resolve(folder);
  return {
    path: (name) => join(root, name),
    async size(name) {
      try {
        return (await fs.stat(join(root, name))).size;
      } catch (cause) {
        if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
        throw cause;
      }
    },
    readText: (name) => fs.readFile(join(root, name), "utf8"),
    async write(name, pieces) {
      await fs.mkdir(root, { recursive: true });
      await fs.writeFile(join(root, name), pieces);
    },
    remove: (name) => fs.rm(join(root, name), { force: true }),
  };
}
