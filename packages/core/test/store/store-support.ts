/** Stores in temporary folders, with small chunks, and what their tests look at. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import type { MilletError } from "../../src/errors.js";
import { createStore } from "../../src/store/create-store.js";
import { openSource, type Store, type StoreOptions } from "../../src/store/index.js";
import { openFolder } from "../../src/store/place/folder.js";
import { type FolderHost, folderHost } from "../../src/store/place/node.js";
import { createStoreAt } from "../../src/store/placed-store.js";

export const KIB = 1024;
export const CHUNK = 64 * KIB;

export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0, x = seed; i < length; i++) bytes[i] = (x = (Math.imul(x, 1103515245) + 12345) | 0) >>> 16;
  return bytes;
}

const folders: string[] = [];

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "millet-cache-"));
  folders.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function storeIn(folder: string, options: StoreOptions = {}): Store {
  return createStore({ folder, chunkBytes: CHUNK, ...options });
}

/** A store whose disk is made by `change` from the real one. */
export function storeOn(
  folder: string,
  change: (host: FolderHost) => FolderHost,
  options: StoreOptions = {},
): Store {
  return createStoreAt(() => openFolder(folder, change(folderHost()!)), { chunkBytes: CHUNK, ...options });
}

export async function readAll(address: string, store: Store, more = {}): Promise<Uint8Array> {
  const source = await openSource(address, { store, retryDelayMs: 1, ...more });
  try {
    return await source.read(0, source.byteLength);
  } finally {
    await source.close();
  }
}

export function expectBytes(found: Uint8Array, expected: Uint8Array): void {
  expect(found.byteLength).toBe(expected.byteLength);
  expect(Buffer.compare(found, expected)).toBe(0);
}

export const failure = (promise: Promise<unknown>): Promise<MilletError> =>
  promise.then(
    () => expect.fail("expected a failure"),
    (error: MilletError) => error,
  );

/** Files of the store, by folder. */
export function filesIn(folder: string): Record<string, string[]> {
  const root = join(folder, "store-1");
  return Object.fromEntries(readdirSync(root).map((name) => [name, readdirSync(join(root, name))]));
}
