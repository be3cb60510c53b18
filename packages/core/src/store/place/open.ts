/** Chooses where a store lives: a folder in Node; in browsers the origin private file system, else the Cache API. */
import { isMilletError, MilletError } from "../../errors.js";
import { CachePieces } from "./cache-api.js";
import { openFolder } from "./folder.js";
import { defaultFolder, folderHost } from "./node.js";
import { OpfsPieces } from "./opfs.js";
import { PiecePlace } from "./piece-store.js";
import type { StorePlace } from "./place.js";

/** @throws MilletError STORE_FAILED with why there is no place */
export async function openPlace({ folder }: { readonly folder?: string | undefined }): Promise<StorePlace> {
  const host = folderHost();
  if (host) return openFolder(folder ?? defaultFolder(host), host);
  const { locks, storage } = (globalThis.navigator ?? {}) as Partial<Navigator>;
  if (!locks || !storage) {
    const isInsecure = globalThis.isSecureContext === false;
    const why = isInsecure
      ? "the page does not come from https or localhost, and browsers keep files for no others"
      : "this platform has no storage for files (navigator.storage) or no locks (navigator.locks)";
    throw new MilletError("STORE_FAILED", `There is no place for downloads: ${why}.`);
  }
  const reasons: string[] = [];
  try {
    const pieces = await OpfsPieces.open(storage);
    return new PiecePlace("opfs", "the browser's private file system", pieces, locks);
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  try {
    const pieces = await CachePieces.open(caches);
    return new PiecePlace("cache-api", "the browser's cache storage", pieces, locks);
  } catch (error) {
    reasons.push(reasonOf(error));
  }
  throw new MilletError(
    "STORE_FAILED",
    `There is no place for downloads: the browser's private file system (${reasons[0]}) and its cache storage ` +
      `(${reasons[1]}) cannot be used. Private windows and blocked cookies have this effect.`,
  );
}

function reasonOf(error: unknown): string {
  return isMilletError(error) || error instanceof Error ? error.message : String(error);
}
