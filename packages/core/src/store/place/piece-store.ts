/**
 * A place on whatever keeps named pieces whole or not at all: a browser's storage, or files that the app provides. A chunk is a piece whose name holds its hash,
 * so that a chunk which is there was written whole, and no journal is needed.
 */
import { MilletError, throwIfAborted } from "../../errors.js";
import { placeError } from "./errors.js";
import {
  type ChunkLayout,
  chunkRange,
  type LockOptions,
  type RecordKind,
  type Release,
  type StoredData,
  type StorePlace,
} from "./place.js";

/** A piece as far as it is read. A Blob is one. */
export interface Piece {
  readonly size: number;
  text(): Promise<string>;
  /** Bytes [start, end); cheap, and reads nothing before it is asked to. */
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

/** Folders of named pieces. What is written appears as a whole when the promise resolves, or not at all. */
export interface Pieces {
  read(folder: string, name: string): Promise<Piece | undefined>;
  write(folder: string, name: string, content: Uint8Array<ArrayBuffer> | string): Promise<void>;
  /** Of what is not there, nothing. */
  remove(folder: string, name: string): Promise<void>;
  removeFolder(folder: string): Promise<void>;
  /** Names in a folder; none of one that is not there. */
  list(folder: string): Promise<string[]>;
  /** Folders that begin with `prefix`, without it. */
  listFolders(prefix: string): Promise<string[]>;
}

/** What pieces do not tell of the place that they lie in. */
export interface PieceHost extends Pick<StorePlace, "kind" | "location" | "availableBytes" | "persist"> {
  acquire(name: string, options: LockOptions): Promise<Release | undefined>;
}

const DATA = "data/";
const RECENT_CHUNKS = 4;
/** A record that is replaced as often as it is read, and so fast, is no record of ours. */
const READ_ATTEMPTS = 20;
/** What reading a File fails with that was replaced or removed since it was opened (File API, section 7). */
const CHANGED = new Set(["NotReadableError", "NotFoundError"]);

export class PiecePlace implements StorePlace {
  readonly kind: StorePlace["kind"];
  readonly location: string;
  readonly #pieces: Pieces;
  readonly #host: PieceHost;

  constructor(pieces: Pieces, host: PieceHost) {
    this.kind = host.kind;
    this.location = host.location;
    this.#pieces = pieces;
    this.#host = host;
  }

  readRecord(kind: RecordKind, id: string): Promise<string | undefined> {
    return this.#try("reading a record", () => readText(this.#pieces, kind, id));
  }

  writeRecord(kind: RecordKind, id: string, text: string): Promise<void> {
    return this.#try("writing a record", () => this.#pieces.write(kind, id, text));
  }

  removeRecord(kind: RecordKind, id: string): Promise<void> {
    return this.#try("removing a record", () => this.#pieces.remove(kind, id));
  }

  listRecords(kind: RecordKind): Promise<string[]> {
    return this.#try("listing its records", () => this.#pieces.list(kind));
  }

  openData(key: string, layout: ChunkLayout): Promise<StoredData> {
    return this.#try("opening a file", () => PieceData.open(this.#pieces, DATA + key, layout, this.location));
  }

  removeData(key: string): Promise<void> {
    return this.#try("removing a file", () => this.#pieces.removeFolder(DATA + key));
  }

  listData(): Promise<string[]> {
    return this.#try("listing its files", () => this.#pieces.listFolders(DATA));
  }

  availableBytes(): Promise<number | undefined> {
    return this.#host.availableBytes();
  }

  persist(): Promise<boolean> {
    return this.#host.persist();
  }

  lock(name: string, options: LockOptions & { readonly wait: true }): Promise<Release>;
  lock(name: string, options: LockOptions): Promise<Release | undefined>;
  lock(name: string, options: LockOptions): Promise<Release | undefined> {
    return this.#host.acquire(name, options);
  }

  #try<T>(doing: string, run: () => Promise<T>): Promise<T> {
    return run().catch((error: unknown) => {
      throw placeError(this.location, doing, error);
    });
  }
}

/** Another tab may replace or remove a piece between finding and reading it: then it is looked up again. */
async function readText(pieces: Pieces, folder: string, name: string): Promise<string | undefined> {
  for (let left = READ_ATTEMPTS; ; left--) {
    const piece = await pieces.read(folder, name);
    try {
      return await piece?.text();
    } catch (error) {
      const hasChanged = error instanceof Error && CHANGED.has(error.name);
      if (left === 1 || !hasChanged) throw error;
    }
  }
}

class PieceData implements StoredData {
  readonly #pieces: Pieces;
  readonly #folder: string;
  readonly #layout: ChunkLayout;
  readonly #location: string;
  /** Names of chunks by their index. */
  readonly #names: Map<number, string>;
  /** Chunks that were read last: small reads come in rows. */
  readonly #recent = new Map<string, Piece>();

  private constructor(
    pieces: Pieces,
    folder: string,
    layout: ChunkLayout,
    location: string,
    names: Map<number, string>,
  ) {
    this.#pieces = pieces;
    this.#folder = folder;
    this.#layout = layout;
    this.#location = location;
    this.#names = names;
  }

  static async open(pieces: Pieces, folder: string, layout: ChunkLayout, location: string) {
    const names = new Map<number, string>();
    for (const name of await pieces.list(folder)) {
      const index = /^(\d+)-[0-9a-f]{64}$/.exec(name)?.[1];
      if (index !== undefined) names.set(Number(index), name);
    }
    return new PieceData(pieces, folder, layout, location, names);
  }

  async chunks(): Promise<Map<number, string>> {
    return new Map([...this.#names].map(([index, name]) => [index, name.slice(name.indexOf("-") + 1)]));
  }

  async writeChunk(index: number, bytes: Uint8Array<ArrayBuffer>, sha256: string): Promise<void> {
    const name = `${index}-${sha256}`;
    const old = this.#names.get(index);
    try {
      this.#recent.clear();
      await this.#pieces.write(this.#folder, name, bytes);
      if (old !== undefined && old !== name) await this.#pieces.remove(this.#folder, old);
      this.#names.set(index, name);
    } catch (error) {
      throw placeError(this.#location, "writing a chunk", error);
    }
  }

  async forgetChunk(index: number): Promise<void> {
    const name = this.#names.get(index);
    if (name === undefined) return;
    try {
      await this.#pieces.remove(this.#folder, name);
      this.#names.delete(index);
    } catch (error) {
      throw placeError(this.#location, "removing a chunk", error);
    }
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    try {
      for (let done = 0; done < target.byteLength; ) {
        throwIfAborted(signal, "Reading a stored file");
        const at = offset + done;
        const index = Math.floor(at / this.#layout.chunkBytes);
        const { start, end } = chunkRange(this.#layout, index);
        const length = Math.min(target.byteLength - done, end - at);
        target.set(await this.#readChunk(index, at - start, length), done);
        done += length;
      }
    } catch (error) {
      throw placeError(this.#location, "reading a chunk", error);
    }
  }

  async close(): Promise<void> {}

  async #readChunk(index: number, from: number, length: number): Promise<Uint8Array> {
    const chunk = await this.#chunk(this.#names.get(index));
    const { start, end } = chunkRange(this.#layout, index);
    if (chunk?.size === end - start)
      return new Uint8Array(await chunk.slice(from, from + length).arrayBuffer());
    throw new MilletError(
      "STORE_FAILED",
      `Chunk ${index} is missing in ${this.#location}: something removed it. Load the model again, ` +
        "or repair it by store.verify(name, { repair: true }).",
    );
  }

  async #chunk(name: string | undefined): Promise<Piece | undefined> {
    if (name === undefined) return undefined;
    const chunk = this.#recent.get(name) ?? (await this.#pieces.read(this.#folder, name));
    this.#recent.delete(name);
    if (!chunk) return undefined;
    this.#recent.set(name, chunk);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > RECENT_CHUNKS && oldest !== undefined) this.#recent.delete(oldest);
    return chunk;
  }
}
