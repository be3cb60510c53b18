/**
 * Buffers that are lent for a while and used again: reading a model of gigabytes in pieces would otherwise leave gigabytes
 * of garbage, which is collected late.
 */

/** Largest piece that is worked on at once. */
export const PIECE_ELEMENTS = 1 << 18;
/** Larger ones are rare and not kept. */
const KEPT_BYTES = 4 * PIECE_ELEMENTS;
const MOST_KEPT = 4;

const free: ArrayBuffer[] = [];

/** Calls `use` with an aligned buffer of whatever content, which is only its own until it settles. */
export async function withBytes<T>(byteLength: number, use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
  if (byteLength > KEPT_BYTES) return use(new Uint8Array(byteLength));
  const buffer = free.pop() ?? new ArrayBuffer(KEPT_BYTES);
  try {
    return await use(new Uint8Array(buffer, 0, byteLength));
  } finally {
    if (free.length < MOST_KEPT) free.push(buffer);
  }
}

export function withFloats<T>(length: number, use: (floats: Float32Array) => Promise<T>): Promise<T> {
  return withBytes(4 * length, ({ buffer, byteOffset }) => use(new Float32Array(buffer, byteOffset, length)));
}

/** Frees what is kept: a loaded model reads no more. */
export function releaseScratch(): void {
  free.length = 0;
}
