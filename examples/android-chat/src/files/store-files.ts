/** Downloads of core's store in the app's files: a piece is a file, written beside its place and then put there. */
import type { StoreFiles } from "@millet/core/store";
import type { PlainFiles } from "./plain-files";

/** Names of the store have a "/" in them at times; no other character that file names may not have. */
const encode = (name: string): string => name.replaceAll("/", "+");
const decode = (name: string): string => name.replaceAll("+", "/");

/** Java arrays carry the bytes: no larger ones than this. */
const PIECE_BYTES = 1 << 20;
const TEMPORARY = ".part";

export function storeFiles(files: PlainFiles): StoreFiles {
  const path = (folder: string, name: string) => `${encode(folder)}/${encode(name)}`;
  return {
    location: files.location,
    async read(folder, name) {
      const from = path(folder, name);
      const size = files.size(from);
      if (size === undefined) return undefined;
      return {
        size,
        text: async () => new TextDecoder().decode(files.read(from, 0, size)),
        slice: (start, end) => ({ arrayBuffer: async () => readRange(files, from, start, end) }),
      };
    },
    async write(folder, name, content) {
      const to = path(folder, name);
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      const temporary = `${to}${TEMPORARY}`;
      try {
        writeAll(files, temporary, bytes);
        if (files.size(temporary) !== bytes.byteLength)
          throw new Error(`${files.size(temporary)} of ${bytes.byteLength} bytes of ${name} were written`);
      } catch (error) {
        files.remove(temporary);
        throw error;
      }
      files.replace(to, temporary);
    },
    remove: async (folder, name) => files.remove(path(folder, name)),
    removeFolder: async (folder) => files.remove(encode(folder)),
    list: async (folder) =>
      files
        .list(encode(folder))
        .filter((name) => !name.endsWith(TEMPORARY))
        .map(decode),
    listFolders: async (prefix) =>
      files
        .list("")
        .map(decode)
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length)),
    availableBytes: async () => files.availableBytes(),
  };
}

function readRange(files: PlainFiles, path: string, start: number, end: number): ArrayBuffer {
  const target = new Uint8Array(end - start);
  for (let at = 0; at < target.byteLength; ) {
    const piece = files.read(path, start + at, Math.min(PIECE_BYTES, target.byteLength - at));
    if (piece.byteLength === 0) throw new Error(`${path} ends at byte ${start + at}`);
    target.set(piece, at);
    at += piece.byteLength;
  }
  return target.buffer;
}

function writeAll(files: PlainFiles, path: string, bytes: Uint8Array): void {
  const writer = files.create(path);
  try {
    for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES)
      writer.write(bytes.slice(at, at + PIECE_BYTES));
  } finally {
    writer.close();
  }
}
