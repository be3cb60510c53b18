/**
 * Writes a packed file so that it is either whole or not there: under another name, onto the disk, then renamed. Whatever
 * fails leaves nothing behind; what a killed process left behind goes with the next file of the same name.
 */
import type { FileHandle } from "node:fs/promises";
import type { FileSystem, NodeParts } from "./node.js";

/** Nothing was written to a file for so long: its writer is gone. */
const ABANDONED_MS = 10 * 60_000;

/**
 * @param write fills the file
 * @throws what the system or `write` fails with
 */
export async function writeWhole(
  target: string,
  byteLength: number,
  { fs, path }: Pick<NodeParts, "fs" | "path">,
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const folder = path.dirname(target);
  await fs.mkdir(folder, { recursive: true });
  await removeAbandoned(target, { fs, path });
  await checkRoom(fs, folder, byteLength);
  const temporary = `${target}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`;
  const file = await fs.open(temporary, "wx", 0o600);
  try {
    try {
      await write(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, target);
  } catch (error) {
    await fs.unlink(temporary).catch(() => undefined); // the error that matters is the first
    throw error;
  }
  await syncFolder(fs, folder);
}

/** A full disk would be noticed anyway, but others need its last bytes as well. */
async function checkRoom(fs: FileSystem, folder: string, byteLength: number): Promise<void> {
  const { bavail, bsize } = await fs.statfs(folder);
  if (bavail * bsize > byteLength) return;
  throw new Error(
    `the disk has ${Math.floor((bavail * bsize) / 1e6)} MB left of the ${Math.ceil(byteLength / 1e6)} needed`,
  );
}

async function removeAbandoned(target: string, { fs, path }: Pick<NodeParts, "fs" | "path">): Promise<void> {
  const folder = path.dirname(target);
  const prefix = `${path.basename(target)}.`;
  const left = (await fs.readdir(folder)).filter((name) => name.startsWith(prefix) && name.endsWith(".tmp"));
  for (const name of left) {
    const full = path.join(folder, name);
    const { mtimeMs } = await fs.stat(full);
    if (Date.now() - mtimeMs > ABANDONED_MS) await fs.unlink(full);
  }
}

/** Makes the new name last. Not every system lets a folder be opened; then the name lasts when the system says so. */
async function syncFolder(fs: FileSystem, folder: string): Promise<void> {
  const handle = await fs.open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
