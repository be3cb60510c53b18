/**
 * Random weights in the bytes of a data type, drawn directly in quantized form: a random 16-bit number looks up an
 * encoded value in a table of normal quantiles, or (blocks.ts) random bits are codes under an encoder's scales.
 * About as fast as memory; the same seed gives the same bytes.
 */
import { numberToF16, quantize } from "@millet/core/quant";
import { DTYPES } from "@millet/core/tensor";
import { BLOCK_TYPES, drawBlocks, isBlockType, wordsPerRandomBlock } from "./blocks.ts";
import { type Draw, normalQuantiles, Random } from "./random.ts";

export const WEIGHT_TYPES = ["q4_0", "q4_1", "q8_0", ...BLOCK_TYPES, "f16", "bf16", "f32"] as const;
export type WeightType = (typeof WEIGHT_TYPES)[number];

/** Elements drawn at a time. */
const PIECE_ELEMENTS = 1 << 20;
/** Deviation of 4-bit values, which are kept within -7..7: symmetric, so that the weights have no common offset. */
const NIBBLE_DEVIATION = 2.6;
const BYTE_DEVIATION = 30;

let quantiles: Float32Array | undefined;
const normal = () => (quantiles ??= normalQuantiles());

/** Random words of 16 bits that a block of a type takes: one per value or per byte, and one for the scale. */
function wordsPerBlock(type: WeightType): number {
  if (isBlockType(type)) return wordsPerRandomBlock(type);
  return { q4_0: 18, q4_1: 18, q8_0: 34, f16: 1, bf16: 1, f32: 1 }[type];
}

/** A byte of two independent 4-bit values around 8, for each random word: its halves index the quantiles. */
function nibblePairs(): Uint8Array {
  const nibble = (byte: number) => {
    const value = Math.round(normal()[byte * 256 + 128]! * NIBBLE_DEVIATION);
    return Math.max(-7, Math.min(7, value)) + 8;
  };
  return Uint8Array.from({ length: 65536 }, (_, word) => nibble(word & 255) | (nibble(word >> 8) << 4));
}

/** Sixteen f16 scales within a tenth of `scale`, as a quantizer's scales vary. */
function scales(scale: number): Uint16Array {
  return Uint16Array.from({ length: 16 }, (_, i) => numberToF16(scale * (0.9 + (0.2 * (i + 0.5)) / 16)));
}

function put16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
}

function drawQ4(type: "q4_0" | "q4_1", deviation: number): Draw {
  const pairs = nibblePairs();
  const scaleBits = scales(deviation / NIBBLE_DEVIATION);
  // q4_1 stores value = scale * q + minimum with q in 0..15: the middle, 8, becomes 0.
  const minimumBits = type === "q4_1" ? scales((-8 * deviation) / NIBBLE_DEVIATION) : undefined;
  const { blockBytes } = DTYPES[type];
  return (words, bytes) => {
    for (let at = 0, word = 0; at < bytes.length; at += blockBytes, word += 18) {
      const scale = words[word]! & 15;
      put16(bytes, at, scaleBits[scale]!);
      if (minimumBits) put16(bytes, at + 2, minimumBits[scale]!);
      for (let i = 0; i < 16; i++) bytes[at + blockBytes - 16 + i] = pairs[words[word + 1 + i]!]!;
    }
  };
}

function drawQ8(deviation: number): Draw {
  const values = Int8Array.from(normal(), (z) =>
    Math.max(-127, Math.min(127, Math.round(z * BYTE_DEVIATION))),
  );
  const scaleBits = scales(deviation / BYTE_DEVIATION);
  return (words, bytes) => {
    for (let at = 0, word = 0; at < bytes.length; at += 34, word += 34) {
      put16(bytes, at, scaleBits[words[word]! & 15]!);
      for (let i = 0; i < 32; i++) bytes[at + 2 + i] = values[words[word + 1 + i]!]!;
    }
  };
}

function drawFloat(type: "f16" | "bf16" | "f32", deviation: number): Draw {
  const encoded = quantize(
    type,
    normal().map((z) => z * deviation),
  );
  const Words = type === "f32" ? Uint32Array : Uint16Array;
  const table = new Words(encoded.buffer);
  return (words, bytes) => {
    const out = new Words(bytes.buffer, bytes.byteOffset, words.length);
    for (let i = 0; i < out.length; i++) out[i] = table[words[i]!]!;
  };
}

function drawOf(type: WeightType, deviation: number): Draw {
  if (isBlockType(type)) return drawBlocks(type, deviation, normal());
  switch (type) {
    case "q4_0":
    case "q4_1":
      return drawQ4(type, deviation);
    case "q8_0":
      return drawQ8(deviation);
    default:
      return drawFloat(type, deviation);
  }
}

/**
 * The bytes of `elements` normal values, piece by piece; a piece is valid until the next one is asked for.
 * @param stream tells tensors of one seed apart
 */
export function* randomWeights(
  type: WeightType,
  elements: number,
  deviation: number,
  seed: number,
  stream: string,
) {
  const { blockElements, blockBytes } = DTYPES[type];
  const random = new Random(seed, stream);
  const draw = drawOf(type, deviation);
  const perPiece = PIECE_ELEMENTS / blockElements;
  const blockWords = wordsPerBlock(type);
  const words = new Uint32Array((perPiece * blockWords) / 2);
  const bytes = new Uint8Array(perPiece * blockBytes);
  for (let left = elements / blockElements; left > 0; left -= perPiece) {
    const blocks = Math.min(left, perPiece);
    random.fill(words);
    const piece = bytes.subarray(0, blocks * blockBytes);
    draw(new Uint16Array(words.buffer, 0, blocks * blockWords), piece);
    yield piece;
  }
}

/** A norm's weights: f32 values around 1, so that an engine that forgets them is found out. */
export function randomNorm(elements: number, seed: number, stream: string): Uint8Array {
  const words = new Uint32Array(elements);
  new Random(seed, stream).fill(words);
  const values = Float32Array.from(words, (word) => 1 + 0.05 * normal()[word >>> 16]!);
  return new Uint8Array(values.buffer);
}
