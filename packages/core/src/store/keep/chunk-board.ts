/**
 * Which chunks of a download are there. Writes them, and reads back what was written, in order, against the hash that
 * was noted, for the hash of the whole file: so what an earlier run left is checked while the download goes on.
 */
import { type ChunkLayout, chunkCount, chunkRange, type StoredData } from "../place/place.js";
import type { Chunk } from "./chunk-stream.js";
import { createHasher, sha256 } from "./hash.js";
import type { FileProgress } from "./progress.js";

/** The hash of a file in JavaScript takes its time on the page's thread: it goes in slices. */
const SLICE_BYTES = 256 << 10;

export class ChunkBoard {
  readonly layout: ChunkLayout;
  readonly #data: StoredData;
  readonly #hashes: Map<number, string>;
  readonly #progress: FileProgress;
  readonly #signal: AbortSignal | undefined;
  /** Chunks before this one are part of the file's hash. */
  #next = 0;
  #hasher = createHasher();
  #reading: Promise<void> | undefined;
  #stopped = false;

  private constructor(
    data: StoredData,
    layout: ChunkLayout,
    hashes: Map<number, string>,
    progress: FileProgress,
    signal: AbortSignal | undefined,
  ) {
    this.#data = data;
    this.layout = layout;
    this.#hashes = hashes;
    this.#progress = progress;
    this.#signal = signal;
    let loaded = 0;
    for (const index of hashes.keys()) loaded += this.#byteLength(index);
    progress.begin(loaded, layout.byteLength);
  }

  static async open(
    data: StoredData,
    layout: ChunkLayout,
    progress: FileProgress,
    signal: AbortSignal | undefined,
  ): Promise<ChunkBoard> {
    return new ChunkBoard(data, layout, await data.chunks(), progress, signal);
  }

  has(index: number): boolean {
    return this.#hashes.has(index);
  }

  missing(): number[] {
    return Array.from({ length: chunkCount(this.layout) }, (_, i) => i).filter((i) => !this.#hashes.has(i));
  }

  async write({ index, bytes }: Chunk): Promise<void> {
    const hash = await sha256(bytes);
    await this.#data.writeChunk(index, bytes, hash);
    this.#hashes.set(index, hash);
    this.readAhead();
  }

  /** Begins to read back what is there; failures come to whoever calls `finish`. */
  readAhead(): void {
    if (this.#reading) return;
    this.#reading = this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    this.#reading.catch(() => undefined); // `finish` runs into it again
  }

  /**
   * To be called when no chunk is missing.
   * @returns the file's hash; undefined if chunks turned out to be damaged, which are missing now
   */
  async finish(): Promise<string | undefined> {
    await this.#reading?.catch(() => undefined);
    await this.#readOn();
    const count = chunkCount(this.layout);
    if (this.#next === count) return this.#hasher.digest();
    for (let index = this.#next + 1; index < count; index++) await this.#readBack(index);
    return undefined;
  }

  /** Ends what goes on; before the data is closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reading?.catch(() => undefined); // whatever it was, a failure came first
  }

  /** Nothing counts any more. */
  async clear(): Promise<void> {
    await this.#reading?.catch(() => undefined);
    for (const index of [...this.#hashes.keys()]) await this.#forget(index);
    this.#next = 0;
    this.#hasher = createHasher();
  }

  async #readOn(): Promise<void> {
    while (!this.#stopped && this.#hashes.has(this.#next)) {
      const bytes = await this.#readBack(this.#next);
      if (!bytes) return;
      for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
        this.#hasher.update(bytes.subarray(at, at + SLICE_BYTES));
        if (isPage) await nextTask();
      }
      this.#next++;
    }
  }

  /** The chunk as it was stored; undefined, and then missing, if it is not what was stored. */
  async #readBack(index: number): Promise<Uint8Array | undefined> {
    const bytes = new Uint8Array(this.#byteLength(index));
    const isSound = await readSound(
      this.#data,
      this.layout,
      index,
      this.#hashes.get(index),
      bytes,
      this.#signal,
    );
    if (isSound) return bytes;
    await this.#forget(index);
    return undefined;
  }

  async #forget(index: number): Promise<void> {
    await this.#data.forgetChunk(index);
    this.#hashes.delete(index);
    this.#progress.add(-this.#byteLength(index));
  }

  #byteLength(index: number): number {
    const { start, end } = chunkRange(this.layout, index);
    return end - start;
  }
}

const isPage = typeof document !== "undefined";

/** Timers wait long in pages that are not in sight; messages do not. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Reads a chunk into `target`. @returns whether it has its hash @throws MilletError ABORTED */
export async function readSound(
  data: StoredData,
  layout: ChunkLayout,
  index: number,
  hash: string | undefined,
  target: Uint8Array<ArrayBuffer>,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  try {
    await data.readInto(chunkRange(layout, index).start, target, signal);
  } catch (error) {
    if (signal?.aborted) throw error;
    return false; // cut off, or the disk cannot read it: it is to come anew
  }
  return (await sha256(target)) === hash;
}
