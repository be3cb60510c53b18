/**
 * Bit layouts that K-types share: the packed scales of q4_k and q5_k, and codes laid out in rows.
 * Source: ggml-quants.c (get_scale_min_k4, quantize_row_*_K_ref) and the Python package gguf.
 */

/**
 * Unpacks the 12 bytes in which q4_k and q5_k keep a 6-bit scale and a 6-bit minimum of each of their 8 sub-blocks.
 * Sub-block j < 4: the scale is the low 6 bits of byte j, the minimum those of byte 4 + j. Sub-block 4 + j: byte 8 + j
 * holds the low 4 bits of the scale (low nibble) and of the minimum (high nibble); their upper 2 bits are the top bits
 * of bytes j and 4 + j.
 * @param scales receives 8 scales, then 8 minimums
 */
export function unpackKScales(bytes: Uint8Array, at: number, scales: Uint8Array): void {
  for (let j = 0; j < 4; j++) {
    const [scale, minimum, low] = [bytes[at + j]!, bytes[at + 4 + j]!, bytes[at + 8 + j]!];
    scales[j] = scale & 63;
    scales[4 + j] = (low & 15) | ((scale >> 6) << 4);
    scales[8 + j] = minimum & 63;
    scales[12 + j] = (low >> 4) | ((minimum >> 6) << 4);
  }
}

/** Packs 8 scales and 8 minimums below 64 into 12 bytes. */
export function packKScales(
  scales: ArrayLike<number>,
  minimums: ArrayLike<number>,
  bytes: Uint8Array,
  at: number,
): void {
  for (let j = 0; j < 4; j++) {
    bytes[at + j] = scales[j]! | ((scales[4 + j]! >> 4) << 6);
    bytes[at + 4 + j] = minimums[j]! | ((minimums[4 + j]! >> 4) << 6);
    bytes[at + 8 + j] = (scales[4 + j]! & 15) | ((minimums[4 + j]! & 15) << 4);
  }
}

/**
 * Packs `bits` bits of each of 256 codes, from bit `first` on. The codes form rows of `width`; 8 / bits rows, one after
 * the other from the lowest bits up, share `width` bytes.
 */
export function packRows(
  codes: Uint8Array,
  first: number,
  bits: number,
  width: number,
  bytes: Uint8Array,
  at: number,
): void {
  const rowsPerByte = 8 / bits;
  const mask = 2 ** bits - 1;
  bytes.fill(0, at, at + (codes.length * bits) / 8);
  for (let row = 0; row * width < codes.length; row++) {
    const to = at + Math.floor(row / rowsPerByte) * width;
    const shift = bits * (row % rowsPerByte);
    for (let i = 0; i < width; i++) {
      bytes[to + i] = bytes[to + i]! | (((codes[row * width + i]! >> first) & mask) << shift);
    }
  }
}
