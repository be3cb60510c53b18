/**
 * Locks between processes by files of a folder. A holder writes its process id and touches its file from time to time, so
 * that the lock of a process that is gone, or hangs for long, can be taken over. Shared holders have a file each; each
 * side makes its file first and then looks for the other's, so that one of them always sees the other.
 */
import { throwIfAborted } from "../../errors.js";
import { placeError } from "./errors.js";
import { type FolderHost, hasCode } from "./node.js";
import type { LockOptions, Release } from "./place.js";

/** A holder that did not touch its file for so long is taken for gone. */
const STALE_MS = 60_000;
const POLL_MS = 50;

interface Owner {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

export class LockFiles {
  readonly #folder: string;
  readonly #host: FolderHost;
  readonly #staleMs: number;
  readonly #held = new Set<string>();
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(folder: string, host: FolderHost, staleMs = STALE_MS) {
    this.#folder = folder;
    this.#host = host;
    this.#staleMs = staleMs;
  }

  async acquire(name: string, { mode, wait, signal }: LockOptions): Promise<Release | undefined> {
    const token = crypto.randomUUID();
    const tryOnce = mode === "exclusive" ? this.#tryExclusive : this.#tryShared;
    try {
      for (;;) {
        throwIfAborted(signal, "Waiting for another process");
        const path = await tryOnce.call(this, name, token);
        if (path) return this.#hold(path);
        if (!wait) return undefined;
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } catch (error) {
      throw placeError(this.#folder, "locking a file", error);
    }
  }

  async #tryExclusive(name: string, token: string): Promise<string | undefined> {
    const path = this.#path(`${name}.lock`);
    const made =
      (await this.#create(path, token)) ||
      ((await this.#breakStale(path)) && (await this.#create(path, token)));
    if (!made) return undefined;
    for (const marker of await this.#markers(name)) {
      if (await this.#breakStale(marker)) continue;
      await this.#remove(path);
      return undefined;
    }
    return path;
  }

  async #tryShared(name: string, token: string): Promise<string | undefined> {
    const marker = this.#path(`${name}.${token}.use`);
    await this.#create(marker, token);
    if (await this.#breakStale(this.#path(`${name}.lock`))) return marker;
    await this.#remove(marker);
    return undefined;
  }

  #path(file: string): string {
    return this.#host.path.join(this.#folder, file);
  }

  async #markers(name: string): Promise<string[]> {
    const files = await this.#host.fs.readdir(this.#folder);
    return files
      .filter((file) => file.startsWith(`${name}.`) && file.endsWith(".use"))
      .map((file) => this.#path(file));
  }

  async #create(path: string, token: string): Promise<boolean> {
    const { fs, pid, hostName } = this.#host;
    const owner: Owner = { token, pid, host: hostName };
    const file = await fs.open(path, "wx", 0o600).catch((error: unknown) => {
      if (hasCode(error, "EEXIST")) return undefined;
      throw error;
    });
    if (!file) return false;
    try {
      await file.writeFile(JSON.stringify(owner));
      return true;
    } catch (error) {
      await this.#remove(path);
      throw error;
    } finally {
      await file.close();
    }
  }

  /** @returns true if nobody holds the lock any more, because it was given back or its holder is gone */
  async #breakStale(path: string): Promise<boolean> {
    const found = await this.#read(path);
    if (!found) return true;
    if (!this.#isStale(found)) return false;
    // Two that find it stale must not both remove "it", since the second would remove the first one's new lock: who
    // moves a file away looks at what it moved, and puts back what was alive.
    const { fs } = this.#host;
    const aside = `${path}.${crypto.randomUUID()}.stale`;
    try {
      await fs.rename(path, aside);
    } catch (error) {
      if (hasCode(error, "ENOENT")) return true;
      throw error;
    }
    const moved = await this.#read(aside);
    const isSame = moved?.owner?.token === found.owner?.token;
    if (!isSame) {
      await fs.link(aside, path).catch((error: unknown) => {
        if (!hasCode(error, "EEXIST")) throw error;
      });
    }
    await this.#remove(aside);
    return isSame;
  }

  #isStale({ owner, mtimeMs }: { owner: Owner | undefined; mtimeMs: number }): boolean {
    const { hostName, isRunning } = this.#host;
    if (owner?.host === hostName && !isRunning(owner.pid)) return true;
    return Date.now() - mtimeMs > this.#staleMs;
  }

  /** Undefined if there is no such file. A file that is being written has no owner yet. */
  async #read(path: string) {
    const { fs } = this.#host;
    try {
      const { mtimeMs } = await fs.stat(path);
      return { owner: parseOwner(await fs.readFile(path, "utf8")), mtimeMs };
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  #hold(path: string): Release {
    this.#held.add(path);
    this.#heartbeat ??= setInterval(() => void this.#touch(), this.#staleMs / 6);
    if (typeof this.#heartbeat === "object") this.#heartbeat.unref(); // it alone keeps no program running
    return async () => {
      if (!this.#held.delete(path)) return;
      if (this.#held.size === 0) {
        clearInterval(this.#heartbeat);
        this.#heartbeat = undefined;
      }
      await this.#remove(path);
    };
  }

  async #touch(): Promise<void> {
    const now = new Date();
    // A lock that somebody took away cannot be touched. That harms nothing: two that download write the same bytes.
    for (const path of this.#held) await this.#host.fs.utimes(path, now, now).catch(() => undefined);
  }

  async #remove(path: string): Promise<void> {
    await this.#host.fs.unlink(path).catch((error: unknown) => {
      if (!hasCode(error, "ENOENT")) throw error;
    });
  }
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { token, pid, host } = JSON.parse(text) as Partial<Owner>;
    return typeof token === "string" && typeof pid === "number" && typeof host === "string"
      ? { token, pid, host }
      : undefined;
  } catch {
    return undefined; // still being written, or damaged: its age decides
  }
}
