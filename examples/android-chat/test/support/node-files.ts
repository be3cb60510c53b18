/** The app's files on Node's, in a folder of its own, with a disk that a test can fill. */
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { PlainFiles } from "../../src/files/plain-files.js";

export interface NodeFiles extends PlainFiles {
  /** Bytes that may still be written before the disk is full. */
  room: number;
  dispose(): void;
}

export function nodeFiles(): NodeFiles {
  const root = mkdtempSync(join(tmpdir(), "millet-app-"));
  const at = (path: string) => join(root, path);
  const files: NodeFiles = {
    location: root,
    room: Infinity,
    availableBytes: () => (files.room === Infinity ? 1e12 : files.room),
    address: at, // onnxruntime-node knows paths alone
    size: (path) => (existsSync(at(path)) ? statSync(at(path)).size : undefined),
    read(path, offset, length) {
      const handle = openSync(at(path), "r");
      const bytes = new Uint8Array(length);
      const count = readSync(handle, bytes, 0, length, offset);
      closeSync(handle);
      return bytes.subarray(0, count);
    },
    create(path) {
      mkdirSync(dirname(at(path)), { recursive: true });
      const handle = openSync(at(path), "w");
      return {
        write(bytes) {
          files.room -= bytes.byteLength;
          if (files.room < 0) throw new Error("write failed: ENOSPC (No space left on device)");
          writeSync(handle, bytes);
        },
        close: () => closeSync(handle),
      };
    },
    replace: (path, by) => renameSync(at(by), at(path)),
    remove: (path) => rmSync(at(path), { recursive: true, force: true }),
    list: (path) => (existsSync(at(path)) ? readdirSync(at(path)) : []),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  };
  return files;
}
