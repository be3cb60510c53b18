/** A ByteSource over a Blob or File. A File that changes on disk while it is read gives SOURCE_CHANGED. */
import { abortedError, MilletError, throwIfAborted } from "../errors.js";
import type { OpenSibling } from "./memory.js";
import { allocate, type ByteSource, checkRead, disposedError } from "./source.js";

/** A Blob read cannot be stopped, so large ones go in pieces between which the signal is looked at. */
const PIECE_BYTES = 16 << 20;

export class BlobSource implements ByteSource {
  readonly name: string;
  readonly byteLength: number;
  readonly sibling: OpenSibling;
  #blob: Blob | undefined;

  constructor(name: string, blob: Blob, sibling: OpenSibling) {
    this.name = name;
    this.byteLength = blob.size;
    this.sibling = sibling;
    this.#blob = blob;
  }

  async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
    checkRead(this, offset, length, signal);
    const target = allocate(this.name, length);
    await this.readInto(offset, target, signal);
    return target;
  }

  async readInto(offset: number, target: Uint8Array, signal?: AbortSignal): Promise<void> {
    checkRead(this, offset, target.byteLength, signal);
    for (let done = 0; done < target.byteLength; done += PIECE_BYTES) {
      throwIfAborted(signal, `Reading ${this.name}`);
      const end = Math.min(done + PIECE_BYTES, target.byteLength);
      target.set(await this.#piece(offset + done, offset + end, signal), done);
    }
  }

  async #piece(start: number, end: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const blob = this.#blob;
    if (!blob) throw disposedError(this.name);
    const bytes = await blob
      .slice(start, end)
      .arrayBuffer()
      .catch((cause: unknown) => {
        throw signal?.aborted ? abortedError(signal, `Reading ${this.name}`) : blobError(this.name, cause);
      });
    if (bytes.byteLength !== end - start) {
      throw new MilletError(
        "SOURCE_TRUNCATED",
        `${this.name} gave ${bytes.byteLength} of ${end - start} bytes at offset ${start}. Choose the file again.`,
      );
    }
    return new Uint8Array(bytes);
  }

  async close(): Promise<void> {
    this.#blob = undefined;
  }
}

/** Browsers report a File whose content on disk changed since it was chosen as NotReadableError. */
function blobError(name: string, cause: unknown): MilletError {
  const changed = cause instanceof Error && cause.name === "NotReadableError";
  return changed
    ? new MilletError(
        "SOURCE_CHANGED",
        `${name} changed, moved or became unreadable since it was chosen. Choose the file again.`,
        { cause },
      )
    : new MilletError("SOURCE_READ_FAILED", `${name} could not be read. Choose the file again.`, { cause });
}
