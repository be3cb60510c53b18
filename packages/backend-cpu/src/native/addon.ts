/** What the addon exports (native/addon/): types only. Its errors are plain Errors with a `code`. */

export interface NativeAddon {
  /** ISA levels of this build, best first, and whether this processor runs them. All give the same bits. */
  readonly levels: Readonly<Record<string, boolean>>;
  /** Fingerprint of the Program format that the addon was built with (fingerprint.ts). */
  readonly programFormat: number;
  /**
   * @param level name of an ISA level, or "auto" for the best
   * @param threads 1 to 256, all apart from the JavaScript thread; fewer if the system gives no more
   * @param reservedBytes most memory that the engine may ever have; takes addresses, no memory
   * @throws ERR_LEVEL, ERR_THREADS, ERR_OUT_OF_MEMORY, ERR_INVALID_ARG_VALUE
   */
  readonly NativeEngine: new (
    level: string,
    threads: number,
    reservedBytes: number,
  ) => NativeHandle;
}

/** An engine inside the addon. Addresses and lengths count bytes. Every method but dispose throws ERR_DISPOSED. */
export interface NativeHandle {
  /** Threads that it has. */
  readonly threads: number;
  /**
   * Makes the first `byteLength` bytes usable; new ones are zero. Large pages are faster to go through, and cleared as a
   * whole when they are first touched. False if the system refuses.
   */
  grow(byteLength: number, large: boolean): boolean;
  /** Gives whole pages back to the system; they read as zeros afterwards. */
  release(address: number, byteLength: number): void;
  /**
   * Shows bytes of an open file at the same addresses, in place of what was there: whole pages. The file may be closed
   * afterwards and must not be made shorter. False if the system refuses; then nothing has changed. Throws ERR_BUSY.
   */
  map(file: number, address: number, byteLength: number): boolean;
  /** Puts zeroed memory there again. Throws ERR_BUSY. */
  unmap(address: number, byteLength: number): boolean;
  /** The engine's memory itself, or undefined where V8 allows no such view. After dispose() it holds zeros. */
  view(address: number, byteLength: number): ArrayBuffer | undefined;
  write(address: number, bytes: Uint8Array): void;
  read(address: number, into: Uint8Array): void;
  /**
   * Starts a program and returns at once; one at a time.
   * @returns 0 when it has completed, 1 if it was aborted
   * @throws ERR_BUSY, ERR_PROGRAM, ERR_FORKED in a process forked from the engine's
   */
  run(program: number): Promise<number>;
  /** Asks the running program to stop soon. */
  abort(): void;
  /** Ends the threads, waiting for a running program to stop; its promise stays pending. May be called twice. */
  dispose(): void;
}
