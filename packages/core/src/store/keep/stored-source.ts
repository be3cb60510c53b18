/** A ByteSource over a file in the store. As long as it is open, nobody removes the file. */
import type { KnownOrigin } from "../../tensor/byte-source.js";
import type { OpenSibling } from "../memory.js";
import type { Release, StoredData } from "../place/place.js";
import { allocate, type ByteSource, checkRead, disposedError } from "../source.js";

export interface StoredFileParts {
  readonly name: string;
  readonly byteLength: number;
  readonly sha256: string;
  /** Where it came from. */
  readonly address: string;
  readonly data: StoredData;
  /** Of the lock that keeps it. */
  readonly release: Release;
  readonly sibling: OpenSibling;
}

export class StoredSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly origin: KnownOrigin;
  readonly sibling: OpenSibling;
  readonly #data: StoredData;
  readonly #release: Release;
  #closed = false;

  constructor({ name, byteLength, sha256, address, data, release, sibling }: StoredFileParts) {
    this.name = name;
    this.byteLength = byteLength;
    this.origin = { location: address, version: `sha256:${sha256}` };
    this.sibling = sibling;
    this.#data = data;
    this.#release = release;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkRead(this, offset, length, signal);
    const target = allocate(this.name, length);
    await this.readInto(offset, target, signal);
    return target;
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw disposedError(this.name);
    checkRead(this, offset, target.byteLength, signal);
    await this.#data.readInto(offset, target, signal);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#data.close();
    await this.#release();
  }
}
