/**
 * Chooses where a store lives: files of the app; a folder in Node; in browsers the origin private file system, else the
 * Cache API.
 */
import { isMilletError, MilletError } from "../../errors.js";
import type { StoreFiles } from "../store.js";
import { CachePieces } from "./cache-api.js";
import { openFolder } from "./folder.js";
import { acquireWebLock } from "./locks-api.js";
import { defaultFolder, folderHost } from "./node.js";
import { OpfsPieces } from "./opfs.js";
import { type PieceHost, PiecePlace } from "./piece-store.js";
import type { StorePlace } from "./place.js";
import { processLocks } from "./process-locks.js";

/** @throws MilletError STORE_FAILED with why there is no place */
export async function openPlace({
  folder,
  files,
}: {
  readonly folder?: string | undefined;
  readonly files?: StoreFiles | undefined;
}): Promise<StorePlace> {
  if (files) return new PiecePlace(files, filesHost(files));
  const host = folderHost();
  if (host) return openFolder(folder ?? defaultFolder(host), host);
  const { locks, storage } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  if (!locks || !storage) {
    const isInsecure = globalThis.isSecureContext === false;
    const why = isInsecure
      ? "the page does not come from https or localhost, and browsers keep files for no others"
      : "this platform has no storage for files (navigator.storage) or no locks (navigator.locks); " +
        "an app may provide files by createStore({ files })";
    throw new MilletError("STORE_FAILED", `There is no place for downloads: ${why}.`);
  }
  const reasons: string[] = [];
  try {
    const pieces = await OpfsPieces.open(storage);
    return new PiecePlace(pieces, browserHost("opfs", "the browser's private file system", storage, locks));
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  try {
    const pieces = await CachePieces.open(caches);
    return new PiecePlace(pieces, browserHost("cache-api", "the browser's cache storage", storage, locks));
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  throw new MilletError(
    "STORE_FAILED",
    `There is no place for downloads: the browser's private file system (${reasons[0]}) and its cache storage ` +
      `(${reasons[1]}) cannot be used. Private windows and blocked cookies have this effect.`,
  );
}

function browserHost(
  kind: PieceHost["kind"],
  location: string,
  storage: StorageManager,
  locks: LockManager,
): PieceHost {
  return {
    kind,
    location,
    async availableBytes() {
      const { quota, usage } = await storage.estimate();
      return quota === undefined || usage === undefined ? undefined : quota - usage;
    },
    persist: async () => (await storage.persisted()) || storage.persist(),
    acquire: (name, options) => acquireWebLock(locks, name, options),
  };
}

/** What an app wrote into its own folder stays. */
function filesHost(files: StoreFiles): PieceHost {
  const locks = processLocks(files.location);
  return {
    kind: "files",
    location: files.location,
    availableBytes: () => files.availableBytes(),
    persist: () => Promise.resolve(true),
    acquire: (name, options) => locks.acquire(name, options),
  };
}

function reasonOf(error: unknown): string {
  return isMilletError(error) || error instanceof Error ? error.message : String(error);
}
