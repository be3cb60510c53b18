/** Cuts the bytes of an answer into the chunks of the store. */
import { type ChunkLayout, chunkRange } from "../place/place.js";

export interface Chunk {
  readonly index: number;
  /** Good until the next chunk is asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * @param pieces the file from the start of chunk `first` on; may end anywhere
 * @param onBytes hears of every piece
 */
export async function* cutChunks(
  pieces: AsyncIterable<Uint8Array>,
  layout: ChunkLayout,
  first: number,
  onBytes: (byteLength: number) => void,
): AsyncGenerator<Chunk, void> {
  const buffer = new Uint8Array(Math.min(layout.chunkBytes, layout.byteLength));
  let index = first;
  let filled = 0;
  for await (const piece of pieces) {
    onBytes(piece.byteLength);
    for (let rest = piece; rest.byteLength > 0; ) {
      const { start, end } = chunkRange(layout, index);
      const part = rest.subarray(0, end - start - filled);
      buffer.set(part, filled);
      filled += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (filled < end - start) continue;
      yield { index, bytes: buffer.subarray(0, filled) };
      index++;
      filled = 0;
    }
  }
}
