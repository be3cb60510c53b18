/**
 * ByteSource: random access to the bytes of one file. Where it lives is the business of store/, which makes them;
 * what the bytes mean is the business of formats/, which read them.
 */

/**
 * Which content a file had when it was opened, for whoever keeps something made from it. Two files of one `version` at
 * one `location` hold the same bytes; no change of the file leaves its version as it was.
 */
export interface ContentOrigin {
  /** Absolute path, or URL without query. */
  readonly location: string;
  /** The same for a local file: where something may be kept beside it. */
  readonly path?: string;
  readonly version: string;
}

/** An origin, or a clause that says why nobody could tell if the content changed; the place, where that is known at least. */
export type KnownOrigin = ContentOrigin | { readonly unknown: string; readonly location?: string };

/** Random access to one immutable file. Reads may run concurrently and in any order. */
export interface ByteSource {
  /** File name without directories; shards are found by it. */
  readonly name: string;
  readonly byteLength: number;
  /** Absent where the bytes come from no place that can be named, such as memory. */
  readonly origin?: KnownOrigin | undefined;
  /**
   * The bytes [offset, offset + length). The result may share memory with the source: do not write to it.
   * @throws MilletError SOURCE_TRUNCATED if the range ends behind the file, SOURCE_CHANGED if the file is not
   *   the one that was opened any more, SOURCE_READ_FAILED, ABORTED, DISPOSED after close()
   */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Fills `target`, which may lie in a SharedArrayBuffer, from `offset` on. Throws as {@link ByteSource.read}. */
  readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void>;
  /**
   * Opens another file of the same place: the same folder, URL directory or list of files. "x/y" is y of a folder in it.
   * @throws MilletError SOURCE_NOT_FOUND if there is none of that name
   */
  sibling(fileName: string, signal?: AbortSignal): Promise<ByteSource>;
  /** Releases what the source holds open; its siblings stay open. Closing twice is fine. */
  close(): Promise<void>;
}
