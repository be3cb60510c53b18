/** What the store's folder needs of Node, asked for at run time so that bundles for browsers need no configuration. */
import type * as promises from "node:fs/promises";
import type * as paths from "node:path";

export interface FolderFiles
  extends Pick<typeof promises, "open" | "rename" | "link" | "unlink" | "mkdir" | "utimes" | "rm"> {
  readdir(folder: string): Promise<string[]>;
  stat(path: string): Promise<{ readonly mtimeMs: number }>;
  readFile(path: string, encoding: "utf8"): Promise<string>;
  /** Blocks that this user may still take, and their bytes. */
  statfs(folder: string): Promise<{ readonly bavail: number; readonly bsize: number }>;
}

/** The system that a folder lives on. Tests put a failing one in its place. */
export interface FolderHost {
  readonly fs: FolderFiles;
  readonly path: Pick<typeof paths, "join" | "resolve" | "isAbsolute">;
  readonly hostName: string;
  readonly pid: number;
  /** Whether a process of this machine runs. */
  isRunning(pid: number): boolean;
}

/** Null where there are no folders. */
export function folderHost(): FolderHost | null {
  const load = globalThis.process?.getBuiltinModule;
  if (!load) return null;
  return {
    fs: load("node:fs/promises"),
    path: load("node:path"),
    hostName: load("node:os").hostname(),
    pid: process.pid,
    isRunning,
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}

/**
 * Where the store lies if nobody says otherwise: MILLET_CACHE, or "millet" in the user's cache folder by the customs of
 * the system (the XDG base directories, the Library of macOS, the local data of Windows).
 */
export function defaultFolder({ path }: FolderHost): string {
  const { MILLET_CACHE: own, XDG_CACHE_HOME: xdg, LOCALAPPDATA: windows } = process.env;
  if (own) return path.resolve(own);
  if (xdg && path.isAbsolute(xdg)) return path.join(xdg, "millet");
  if (process.platform === "win32" && windows) return path.join(windows, "millet");
  const home = process.getBuiltinModule("node:os").homedir();
  return path.join(home, process.platform === "darwin" ? "Library/Caches" : ".cache", "millet");
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}
