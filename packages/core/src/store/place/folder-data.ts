/** Data of the store in one file of a folder, with its journal beside it: data first, then the journal. */
import type { FileHandle } from "node:fs/promises";
import { MilletError, throwIfAborted } from "../../errors.js";
import { fill } from "../file.js";
import { placeError } from "./errors.js";
import { journalEntry, journalHead, parseJournal } from "./journal.js";
import { type FolderHost, hasCode } from "./node.js";
import { type ChunkLayout, chunkRange, type StoredData } from "./place.js";

export class FolderData implements StoredData {
  readonly #path: string;
  readonly #layout: ChunkLayout;
  readonly #host: FolderHost;
  readonly #data: FileHandle;
  readonly #journal: FileHandle | undefined;
  /** Entries are written one after the other. */
  #noting: Promise<void> = Promise.resolve();
  #closed = false;

  private constructor(
    path: string,
    layout: ChunkLayout,
    host: FolderHost,
    files: { data: FileHandle; journal: FileHandle | undefined },
  ) {
    this.#path = path;
    this.#layout = layout;
    this.#host = host;
    this.#data = files.data;
    this.#journal = files.journal;
  }

  static async open(path: string, layout: ChunkLayout, use: "read" | "write", host: FolderHost) {
    const data = await openDataFile(path, use, host);
    try {
      const journal = use === "write" ? await openJournal(`${path}.journal`, layout, host) : undefined;
      return new FolderData(path, layout, host, { data, journal });
    } catch (error) {
      await data.close();
      throw error;
    }
  }

  async chunks(): Promise<Map<number, string>> {
    const text = await this.#host.fs.readFile(`${this.#path}.journal`, "utf8").catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return "";
      throw placeError(this.#path, "reading its journal", error);
    });
    return parseJournal(text, this.#layout) ?? new Map();
  }

  async writeChunk(index: number, bytes: Uint8Array, sha256: string): Promise<void> {
    try {
      await writeWhole(this.#data, bytes, chunkRange(this.#layout, index).start);
      await this.#data.datasync();
      await this.#note(journalEntry(index, sha256));
    } catch (error) {
      throw placeError(this.#path, "writing a chunk", error);
    }
  }

  async forgetChunk(index: number): Promise<void> {
    try {
      await this.#note(journalEntry(index, undefined));
    } catch (error) {
      throw placeError(this.#path, "writing its journal", error);
    }
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    try {
      const done = await fill(this.#data, offset, target, () =>
        throwIfAborted(signal, `Reading ${this.#path}`),
      );
      if (done < target.byteLength) {
        throw new MilletError(
          "STORE_FAILED",
          `${this.#path} ends at byte ${offset + done}: it was changed by something else. Repair it by "millet pull ` +
            '--repair" or store.verify(name, { repair: true }).',
        );
      }
    } catch (error) {
      throw placeError(this.#path, "reading it", error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#noting.catch(() => undefined); // its failure was told to whoever wrote the chunk
    await this.#journal?.close();
    await this.#data.close();
  }

  #note(entry: string): Promise<void> {
    const journal = this.#journal;
    if (!journal) throw new TypeError(`${this.#path} was opened for reading`);
    const note = async () => {
      await journal.appendFile(entry);
      await journal.datasync();
    };
    this.#noting = this.#noting.then(note, note);
    return this.#noting;
  }
}

async function openDataFile(path: string, use: "read" | "write", { fs }: FolderHost): Promise<FileHandle> {
  if (use === "read") {
    return fs.open(path, "r").catch((error: unknown) => {
      throw placeError(path, "opening it", error);
    });
  }
  // Made if need be, never cut: "r+" wants the file, "a" makes it.
  try {
    await (await fs.open(path, "a", 0o600)).close();
    return await fs.open(path, "r+");
  } catch (error) {
    throw placeError(path, "making it", error);
  }
}

/** A journal of another layout, or a damaged one, is of no use: a new one begins. */
async function openJournal(path: string, layout: ChunkLayout, { fs }: FolderHost): Promise<FileHandle> {
  try {
    const text = await fs.readFile(path, "utf8").catch((error: unknown) => {
      if (hasCode(error, "ENOENT")) return "";
      throw error;
    });
    const isGood = parseJournal(text, layout) !== undefined;
    const journal = await fs.open(path, isGood ? "a" : "w", 0o600);
    try {
      if (!isGood) await journal.appendFile(journalHead(layout));
      return journal;
    } catch (error) {
      await journal.close();
      throw error;
    }
  } catch (error) {
    throw placeError(path, "opening its journal", error);
  }
}

/** A write may be short: of a disk that is nearly full, and by POSIX at any time. */
async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.byteLength - done, position + done);
    done += bytesWritten;
  }
}
