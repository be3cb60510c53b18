/** A ByteSource over bytes in memory. Nothing is copied on opening, and `read` returns views. */
import { type ByteSource, checkRead, disposedError } from "./source.js";

/** Opens another file of the same place, or throws SOURCE_NOT_FOUND. */
export type OpenSibling = (fileName: string, signal?: AbortSignal) => Promise<ByteSource>;

export class MemorySource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly sibling: OpenSibling;
  #bytes: Uint8Array | undefined;

  constructor(name: string, bytes: Uint8Array, sibling: OpenSibling) {
    this.name = name;
    this.byteLength = bytes.byteLength;
    this.sibling = sibling;
    this.#bytes = bytes;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (!this.#bytes) throw disposedError(this.name);
    checkRead(this, offset, length, signal);
    return this.#bytes.subarray(offset, offset + length);
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    target.set(await this.read(offset, target.byteLength, signal));
  }

  async close(): Promise<void> {
    this.#bytes = undefined;
  }
}
