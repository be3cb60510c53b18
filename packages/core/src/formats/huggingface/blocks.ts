/** Writes blocks of 32 from codes that exist already, without rounding; layouts as in quant/<format>.ts. */

/**
 * One block: value = scale * (code - zero).
 * @param scale bits of an f16
 * @param codes 32 of them from `from` on
 * @param zero such that code - zero fits the type: 8 for q4_0, -16..15 around it for q5_0, 128 for q8_0
 */
export type BlockWriter = (
  bytes: Uint8Array,
  at: number,
  scale: number,
  codes: Uint8Array,
  from: number,
  zero: number,
) => void;

export function blockWriter(dtype: "q4_0" | "q5_0" | "q8_0"): BlockWriter {
  switch (dtype) {
    case "q4_0":
      return writeQ4;
    case "q5_0":
      return writeQ5;
    case "q8_0":
      return writeQ8;
    default:
      return dtype satisfies never;
  }
}

const writeQ4: BlockWriter = (bytes, at, scale, codes, from, zero) => {
  put16(bytes, at, scale);
  const shift = 8 - zero;
  for (let i = 0; i < 16; i++) {
    bytes[at + 2 + i] = (codes[from + i]! + shift) | ((codes[from + 16 + i]! + shift) << 4);
  }
};

const writeQ5: BlockWriter = (bytes, at, scale, codes, from, zero) => {
  put16(bytes, at, scale);
  const shift = 16 - zero;
  let lower = 0;
  let upper = 0;
  for (let i = 0; i < 16; i++) {
    const [low, high] = [codes[from + i]! + shift, codes[from + 16 + i]! + shift];
    bytes[at + 6 + i] = (low & 15) | ((high & 15) << 4);
    lower |= (low >> 4) << i;
    upper |= (high >> 4) << i;
  }
  put16(bytes, at + 2, lower);
  put16(bytes, at + 4, upper);
};

const writeQ8: BlockWriter = (bytes, at, scale, codes, from, zero) => {
  put16(bytes, at, scale);
  for (let i = 0; i < 32; i++) bytes[at + 2 + i] = codes[from + i]! - zero;
};

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}
