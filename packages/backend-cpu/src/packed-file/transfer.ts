/** Moves the packed weights between the engine's memory and an open file, piece by piece. */
import type { FileHandle } from "node:fs/promises";
import { throwIfAborted } from "@millet/core/errors";
import type { Engine } from "../engine/engine.js";

/**
 * Pieces begin at multiples of this: written so, Linux keeps the file in pages of 2 MiB, which are then mapped as such.
 */
const PIECE_BYTES = 16 << 20;
/** Where the host does not see the engine's memory, pieces are copied. */
const COPIED_PIECE_BYTES = 1 << 20;

export interface Range {
  /** In memory and in the file. */
  readonly address: number;
  readonly byteLength: number;
}

export async function readPieces(
  file: FileHandle,
  engine: Engine,
  range: Range,
  signal?: AbortSignal,
): Promise<void> {
  const pieces = piecesOf(engine, range);
  // Two at once: a read copies and takes fresh memory, which is work for a processor.
  const reader = async () => {
    for (const { address, byteLength } of pieces) {
      throwIfAborted(signal, "Reading packed weights");
      const view = engine.view(address, byteLength);
      const data = view ?? new Uint8Array(byteLength);
      await fill(file, data, address);
      if (!view) await engine.call({ writes: [{ address, data }] });
    }
  };
  // Both have ended before anybody uses the memory otherwise: one that fails ends the pieces, and the other's read lands.
  const ends = await Promise.allSettled([reader(), reader()]);
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

export async function writePieces(
  file: FileHandle,
  engine: Engine,
  range: Range,
  signal?: AbortSignal,
): Promise<void> {
  for (const { address, byteLength } of piecesOf(engine, range)) {
    throwIfAborted(signal, "Writing packed weights");
    const data =
      engine.view(address, byteLength) ?? (await engine.call({ reads: [{ address, byteLength }] }))[0]!;
    await drain(file, data, address);
  }
}

/** Puts zeros into memory, as before anything was read. */
export async function clearPieces(engine: Engine, range: Range): Promise<void> {
  for (const { address, byteLength } of piecesOf(engine, range)) {
    const view = engine.view(address, byteLength);
    if (view) view.fill(0);
    else await engine.call({ writes: [{ address, data: new Uint8Array(byteLength) }] });
  }
}

function* piecesOf(engine: Engine, { address, byteLength }: Range): Generator<Range, undefined> {
  const most = engine.view(address, 16) ? PIECE_BYTES : COPIED_PIECE_BYTES;
  const end = address + byteLength;
  for (let at = address; at < end; ) {
    const next = Math.min(end, (Math.floor(at / most) + 1) * most);
    yield { address: at, byteLength: next - at };
    at = next;
  }
}

async function fill(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.byteLength; ) {
    const { bytesRead } = await file.read(data, done, data.byteLength - done, position + done);
    if (bytesRead === 0) throw new Error(`the file ends at byte ${position + done}`);
    done += bytesRead;
  }
}

export async function drain(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.byteLength; ) {
    const { bytesWritten } = await file.write(data, done, data.byteLength - done, position + done);
    done += bytesWritten;
  }
}
