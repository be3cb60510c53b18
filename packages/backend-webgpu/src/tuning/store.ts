/** Where records of measurements are kept by default: files in Node, Cache storage in browsers (workers have it, too). */
import type { TuningStore } from "../options.js";

/** Undefined where there is neither. */
export function defaultStore(): TuningStore | undefined {
  if (globalThis.process?.getBuiltinModule?.("node:fs/promises")) return fileStore();
  return globalThis.caches ? cacheStore() : undefined;
}

/** Files in a folder of this user for things that can be made again. */
export function fileStore(folder = cacheFolder()): TuningStore {
  const fs = process.getBuiltinModule("node:fs/promises");
  const path = process.getBuiltinModule("node:path");
  return {
    read: (name) => fs.readFile(path.join(folder, name), "utf8"),
    write: async (name, text) => {
      await fs.mkdir(folder, { recursive: true });
      const draft = path.join(folder, `${name}.${process.pid}.part`);
      await fs.writeFile(draft, text);
      await fs.rename(draft, path.join(folder, name)); // readers see the old one or the new one
    },
  };
}

/** By the customs of the system: the XDG base directories, the Library of macOS, the local data of Windows. */
function cacheFolder(): string {
  const { homedir } = process.getBuiltinModule("node:os");
  const path = process.getBuiltinModule("node:path");
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: windows } = process.env;
  const system = process.platform === "darwin" ? "Library/Caches" : ".cache";
  const user =
    xdg && path.isAbsolute(xdg)
      ? xdg
      : process.platform === "win32" && windows
        ? windows
        : path.join(homedir(), system);
  return path.join(user, "millet", "webgpu");
}

const CACHE = "millet-webgpu";

function cacheStore(): TuningStore {
  // Cache storage goes by addresses; nothing is ever fetched from this one.
  const address = (name: string) => `https://millet.invalid/${name}`;
  return {
    read: async (name) => (await (await caches.open(CACHE)).match(address(name)))?.text(),
    write: async (name, text) => (await caches.open(CACHE)).put(address(name), new Response(text)),
  };
}
