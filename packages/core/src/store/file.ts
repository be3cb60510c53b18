/**
 * A ByteSource over a local file, in Node (and what is compatible with it).
 * Node's modules are asked for at run time with process.getBuiltinModule, so that this file can be bundled for
 * browsers without configuration; there it throws UNSUPPORTED_PLATFORM.
 */
import type { FileHandle } from "node:fs/promises";
import { MilletError, throwIfAborted } from "../errors.js";
import type { KnownOrigin } from "../tensor/byte-source.js";
import { entryOf } from "./folder.js";
import {
  allocate,
  type ByteSource,
  checkFileName,
  checkRead,
  disposedError,
  notFoundError,
} from "./source.js";

/** Largest single read: long enough for full speed, short enough to stop within milliseconds on a signal. */
const PIECE_BYTES = 16 << 20;

/** What identifies the content that was opened. */
interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** Of a file, with what tells one state of it from another. */
interface FileState extends Stamp {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly ctimeNs: bigint;
}

/** The coarsest clock of a file system in use (FAT): two changes within it may leave the same times. */
const CLOCK_NS = 2_000_000_000n;

function nodeModules() {
  const load = typeof process === "undefined" ? undefined : process.getBuiltinModule;
  if (!load) {
    throw new MilletError(
      "UNSUPPORTED_PLATFORM",
      "File paths can be opened in Node 22.3 and above only. Pass an http(s) URL, a Blob or bytes instead.",
    );
  }
  return {
    fs: load("node:fs/promises"),
    path: load("node:path"),
    url: load("node:url"),
  };
}

/** True where {@link openFile} works. */
export function canOpenFiles(): boolean {
  return typeof process !== "undefined" && typeof process.getBuiltinModule === "function";
}

/**
 * Opens a local file, or of a folder the file that stands for its model.
 * @param location a path (relative ones start at the working directory) or a file: URL
 * @throws MilletError SOURCE_NOT_FOUND, SOURCE_READ_FAILED, UNSUPPORTED_PLATFORM
 */
export async function openFile(location: string | URL, signal?: AbortSignal): Promise<ByteSource> {
  const modules = nodeModules();
  const { fs, path, url } = modules;
  const filePath = path.resolve(location instanceof URL ? url.fileURLToPath(location) : location);
  throwIfAborted(signal, `Opening ${filePath}`);
  const entries = await entriesOf(modules, filePath);
  if (entries) return openFile(path.join(filePath, entryOf(filePath, entries)), signal);
  const handle = await fs.open(filePath, "r").catch((cause: unknown) => {
    throw openError(filePath, cause);
  });
  try {
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) throw openError(filePath, undefined);
    return new FileSource(filePath, path.basename(filePath), handle, stat);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The names in a folder; undefined for what is none. */
async function entriesOf({ fs }: ReturnType<typeof nodeModules>, filePath: string) {
  const stat = await fs.stat(filePath).catch(() => undefined); // opening it tells what is wrong
  return stat?.isDirectory() ? fs.readdir(filePath) : undefined;
}

function openError(filePath: string, cause: unknown): MilletError {
  if (cause instanceof Error && "code" in cause && (cause.code === "ENOENT" || cause.code === "ENOTDIR")) {
    return notFoundError(filePath, "", cause);
  }
  const why = cause instanceof Error ? cause.message : "it is a folder or a device";
  return new MilletError("SOURCE_READ_FAILED", `${filePath} cannot be opened as a file: ${why}.`, { cause });
}

/**
 * Every change of a file sets its ctime, which programs cannot set; a file put in its place has another number. A change
 * of the last moments could be followed by one that the clock does not tell from it.
 */
function originOf(path: string, { dev, ino, size, mtimeNs, ctimeNs }: FileState): KnownOrigin {
  if (BigInt(Date.now()) * 1_000_000n - ctimeNs < CLOCK_NS) {
    return { unknown: `${path} was written less than two seconds ago`, location: path };
  }
  return { location: path, path, version: ["file", dev, ino, size, mtimeNs, ctimeNs].join(":") };
}

class FileSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly origin: KnownOrigin;
  readonly #path: string;
  readonly #stamp: Stamp;
  #handle: FileHandle | undefined;

  constructor(path: string, name: string, handle: FileHandle, stamp: FileState) {
    this.#path = path;
    this.name = name;
    this.#handle = handle;
    this.#stamp = { size: stamp.size, mtimeNs: stamp.mtimeNs };
    this.byteLength = Number(stamp.size);
    this.origin = originOf(path, stamp);
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkRead(this, offset, length, signal);
    const target = allocate(this.name, length);
    await this.readInto(offset, target, signal);
    return target;
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    checkRead(this, offset, target.byteLength, signal);
    const handle = this.#handle;
    if (!handle) throw disposedError(this.name);
    try {
      const done = await fill(handle, offset, target, () => throwIfAborted(signal, `Reading ${this.name}`));
      // Looked at after the read: bytes that were read before a change are sound, bytes read after it are not.
      this.#checkUnchanged(await handle.stat({ bigint: true }));
      if (done < target.byteLength) throw this.#truncated(offset + done);
    } catch (error) {
      if (error instanceof MilletError) throw error;
      if (!this.#handle) throw disposedError(this.name);
      throw new MilletError("SOURCE_READ_FAILED", `${this.#path} cannot be read at offset ${offset}.`, {
        cause: error,
      });
    }
  }

  #checkUnchanged(now: Stamp): void {
    if (now.size === this.#stamp.size && now.mtimeNs === this.#stamp.mtimeNs) return;
    const how =
      now.size === this.#stamp.size ? "was written to" : `went from ${this.#stamp.size} to ${now.size} bytes`;
    throw new MilletError(
      "SOURCE_CHANGED",
      `${this.#path} ${how} while it was being read. Wait until whatever writes it is done, then load it again.`,
      { details: { path: this.#path } },
    );
  }

  #truncated(at: number): MilletError {
    return new MilletError(
      "SOURCE_TRUNCATED",
      `${this.#path} ended at byte ${at}, although it reports ${this.byteLength} bytes. Check the disk or the network share.`,
      { details: { path: this.#path, at } },
    );
  }

  async sibling(fileName: string, signal?: AbortSignal): Promise<ByteSource> {
    checkFileName(fileName);
    const { path } = nodeModules();
    return openFile(path.join(path.dirname(this.#path), fileName), signal);
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }
}

/** Reads until `target` is full or the file ends; returns the number of bytes read. */
export async function fill(
  handle: FileHandle,
  offset: number,
  target: Uint8Array,
  checkAborted: () => void,
): Promise<number> {
  let done = 0;
  while (done < target.byteLength) {
    checkAborted();
    const length = Math.min(PIECE_BYTES, target.byteLength - done);
    const { bytesRead } = await handle.read(target, done, length, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}
