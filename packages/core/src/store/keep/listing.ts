/** What is in the store, as its users see it. */
import type { StoredFile } from "../store.js";
import type { Keeper } from "./keeper.js";

/** By address. */
export async function storedFiles({ records, evictor }: Keeper): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  const contents = await records.contents();
  for (const { address, name, sha256, partial } of (await records.refs()).values()) {
    const content = sha256 === undefined ? undefined : contents.get(sha256);
    const found = content ?? partial;
    if (!found) continue;
    const usedMs = await records.usedMs(content?.sha256 ?? found.key);
    files.push({
      address,
      name,
      byteLength: found.byteLength,
      storedBytes: content || !partial ? found.byteLength : await evictor.partialBytes(partial),
      sha256: content?.sha256,
      usedAt: usedMs > 0 ? new Date(usedMs) : undefined,
    });
  }
  return files.sort((a, b) => (a.address < b.address ? -1 : 1));
}

/** See Store.remove. */
export function selectFiles(files: readonly StoredFile[], selector: string | undefined): StoredFile[] {
  if (selector === undefined) return [...files];
  return files.filter(
    ({ address, name, sha256 }) =>
      [address, name, sha256].includes(selector) ||
      address.startsWith(`${selector.replace(/\/$/, "")}/`) ||
      address.startsWith(`${selector}@`),
  );
}
