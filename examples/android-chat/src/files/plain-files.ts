/** What the app needs of a file system, so that tests have Node's in its place. Paths are "folder/name" below one folder. */

export interface FileWriter {
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface PlainFiles {
  /** For people: where the folder is. */
  readonly location: string;
  /** Bytes that may still be written. */
  availableBytes(): number;
  /** What ONNX Runtime opens: an address "file:///..." without escapes. */
  address(path: string): string;
  /** Bytes of a file; undefined if there is none. */
  size(path: string): number | undefined;
  /** `length` bytes from `offset` on, or what there is of them. */
  read(path: string, offset: number, length: number): Uint8Array<ArrayBuffer>;
  /** A new file, in folders that are made if need be. */
  create(path: string): FileWriter;
  /** Puts a file in the place of another. */
  replace(path: string, by: string): void;
  /** A file or a folder; nothing of what is not there. */
  remove(path: string): void;
  /** Names in a folder; none of one that is not there. */
  list(path: string): string[];
}
