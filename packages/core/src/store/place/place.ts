/**
 * What the store needs of the place that it lives in: a folder (Node), the origin private file system or the Cache API
 * (browsers). A place keeps small records and large data in chunks; what they mean is the business of keep/.
 * Its failures are MilletError STORE_FULL and STORE_FAILED.
 */

/** refs: what an address led to; contents: what is stored whole; uses: when it was used last; hub: lists of files. */
export const RECORD_KINDS = ["refs", "contents", "uses", "hub"] as const;
export type RecordKind = (typeof RECORD_KINDS)[number];

/** How a file is cut: every chunk but the last has `chunkBytes`. */
export interface ChunkLayout {
  readonly byteLength: number;
  readonly chunkBytes: number;
}

/** Large data, whole or in the making. */
export interface StoredData {
  /** SHA-256 by index of the chunks that were written whole; of a damaged note of them, what is readable. */
  chunks(): Promise<Map<number, string>>;
  /** When it resolves, the chunk and its hash outlast the end of this process; if it fails, the chunk is not there. */
  writeChunk(index: number, bytes: Uint8Array, sha256: string): Promise<void>;
  /** The chunk counts as missing from now on. */
  forgetChunk(index: number): Promise<void>;
  /** Fills `target` from `offset` on. @throws MilletError STORE_FAILED, also if the bytes are not there; ABORTED */
  readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface LockOptions {
  /** Shared locks go together; an exclusive one goes with no other. */
  readonly mode: "exclusive" | "shared";
  /** false: gives undefined where the lock is taken. */
  readonly wait: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Gives the lock back; twice is fine. */
export type Release = () => Promise<void>;

export interface StorePlace {
  readonly kind: "folder" | "opfs" | "cache-api" | "files";
  /** For people. */
  readonly location: string;
  readRecord(kind: RecordKind, id: string): Promise<string | undefined>;
  /** Whole or not at all, whatever happens meanwhile. */
  writeRecord(kind: RecordKind, id: string, text: string): Promise<void>;
  removeRecord(kind: RecordKind, id: string): Promise<void>;
  listRecords(kind: RecordKind): Promise<string[]>;
  /** @param use "write" makes what is not there */
  openData(key: string, layout: ChunkLayout, use: "read" | "write"): Promise<StoredData>;
  removeData(key: string): Promise<void>;
  listData(): Promise<string[]>;
  /** Bytes that may still be written; undefined if nobody knows. */
  availableBytes(): Promise<number | undefined>;
  /** Asks that nothing be deleted when the device runs short of space; whether that is so now. */
  persist(): Promise<boolean>;
  /** Across all processes and tabs that use the place. Ends with the process or tab at the latest. */
  lock(name: string, options: LockOptions & { readonly wait: true }): Promise<Release>;
  lock(name: string, options: LockOptions): Promise<Release | undefined>;
}

export function chunkCount({ byteLength, chunkBytes }: ChunkLayout): number {
  return Math.ceil(byteLength / chunkBytes);
}

/** Where chunk `index` lies: [start, end). */
export function chunkRange({ byteLength, chunkBytes }: ChunkLayout, index: number) {
  return { start: index * chunkBytes, end: Math.min((index + 1) * chunkBytes, byteLength) };
}
