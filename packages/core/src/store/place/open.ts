/** Chooses where a store lives: a folder in Node. */
import { MilletError } from "../../errors.js";
import { openFolder } from "./folder.js";
import { defaultFolder, folderHost } from "./node.js";
import type { StorePlace } from "./place.js";

/** @throws MilletError STORE_FAILED with why there is no place */
export async function openPlace({ folder }: { readonly folder?: string | undefined }): Promise<StorePlace> {
  const host = folderHost();
  if (host) return openFolder(folder ?? defaultFolder(host), host);
  throw new MilletError("STORE_FAILED", "There is no place for a store here.");
}
