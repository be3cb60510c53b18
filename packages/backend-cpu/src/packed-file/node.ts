/** What packed files need of Node, asked for at run time so that bundles for browsers need no configuration. */
type Promises = typeof import("node:fs/promises");

export interface FileSystem extends Pick<Promises, "open" | "rename" | "unlink" | "mkdir"> {
  readdir(folder: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
  /** Blocks that this user may still take, and their bytes. */
  statfs(folder: string): Promise<{ readonly bavail: number; readonly bsize: number }>;
}

export interface NodeParts {
  readonly fs: FileSystem;
  readonly path: Pick<typeof import("node:path"), "join" | "dirname" | "basename" | "resolve">;
  /** Folder of this user for things that can be made again. */
  readonly cacheFolder: string;
  /** Of UTF-8 text, in hexadecimal digits. */
  readonly sha256: (text: string) => string;
}

/** Null where there are no files. */
export function nodeParts(): NodeParts | null {
  const load = globalThis.process?.getBuiltinModule;
  if (!load) return null;
  const [path, crypto] = [load("node:path"), load("node:crypto")];
  return {
    fs: load("node:fs/promises"),
    path,
    cacheFolder: path.join(userCache(path, load("node:os")), "millet"),
    sha256: (text) => crypto.createHash("sha256").update(text).digest("hex"),
  };
}

/** By the customs of the system: the XDG base directories, the Library of macOS, the local data of Windows. */
function userCache(path: typeof import("node:path"), os: typeof import("node:os")): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: windows } = process.env;
  if (xdg && path.isAbsolute(xdg)) return xdg;
  if (process.platform === "win32" && windows) return windows;
  return path.join(os.homedir(), process.platform === "darwin" ? "Library/Caches" : ".cache");
}
