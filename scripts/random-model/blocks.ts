/**
 * Random blocks of the types whose codes are split over several fields: the codes are random bits, so all equally
 * likely, under the scales that the type's encoder gives blocks of normal values. Nothing here knows a layout but by
 * its description, so a new format needs its name only.
 */
import { dequantize, QUANT_FORMATS, quantize } from "@millet/core/quant";
import { type Draw, Random } from "./random.ts";

export const BLOCK_TYPES = [
  "q5_0",
  "q5_1",
  "q2_k",
  "q3_k",
  "q4_k",
  "q5_k",
  "q6_k",
  "iq4_nl",
  "iq4_xs",
] as const;
export type BlockType = (typeof BLOCK_TYPES)[number];

/** Blocks whose scales are lent to the random ones; a power of two. */
const PATTERNS = 256;
const MEASURED_ELEMENTS = 2 ** 18;

export function isBlockType(type: string): type is BlockType {
  return BLOCK_TYPES.some((name) => name === type);
}

/** Whether a field of a layout holds codes; all others are scales and minimums. */
export function isCodeField(name: string): boolean {
  return name === "quants" || name === "highBits";
}

/** Random words of 16 bits that a block takes: its bytes, and one to choose its scales. */
export function wordsPerRandomBlock(type: BlockType): number {
  return QUANT_FORMATS[type].blockBytes / 2 + 1;
}

/** Runs of bytes that hold no codes: [start, end). */
function scaleRanges(type: BlockType): readonly (readonly [number, number])[] {
  const fields = QUANT_FORMATS[type].layout.filter(({ name }) => !isCodeField(name));
  return fields.map(({ byteOffset, byteLength }) => [byteOffset, byteOffset + byteLength]);
}

/** Fills blocks with the words' bits, then copies the scales of one of the patterns over them. */
function drawWith(type: BlockType, patterns: Uint8Array): Draw {
  const { blockBytes } = QUANT_FORMATS[type];
  const ranges = scaleRanges(type);
  const blockWords = wordsPerRandomBlock(type);
  return (words, bytes) => {
    const bits = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
    for (let at = 0, word = 0; at < bytes.length; at += blockBytes, word += blockWords) {
      bytes.set(bits.subarray(2 * word + 2, 2 * word + 2 + blockBytes), at);
      const pattern = (words[word]! & (PATTERNS - 1)) * blockBytes;
      for (const [start, end] of ranges) {
        for (let i = start; i < end; i++) bytes[at + i] = patterns[pattern + i]!;
      }
    }
  };
}

/** Normal values of deviation 1 for the patterns: pairs of opposite sign, so that minimums give weights no offset. */
function patternValues(type: BlockType, normal: Float32Array): Float32Array {
  const words = new Uint32Array(PATTERNS * QUANT_FORMATS[type].blockElements);
  new Random(1, type).fill(words);
  return Float32Array.from(words, (_, i) => (i % 2 ? -1 : 1) * normal[words[i - (i % 2)]! >>> 16]!);
}

/** Mean and deviation of random blocks under the scales of normal values of deviation 1. */
interface Spread {
  /** Not 0 for affine types, whose encoders leave the largest code unused at times. */
  readonly mean: number;
  /** More than 1, as large codes abound. */
  readonly deviation: number;
}

const spreads = new Map<BlockType, Spread>();

function spreadOf(type: BlockType, normal: Float32Array): Spread {
  const known = spreads.get(type);
  if (known) return known;
  const { blockElements, blockBytes } = QUANT_FORMATS[type];
  const blocks = MEASURED_ELEMENTS / blockElements;
  const words = new Uint32Array((blocks * wordsPerRandomBlock(type)) / 2);
  new Random(2, type).fill(words);
  const bytes = new Uint8Array(blocks * blockBytes);
  drawWith(type, quantize(type, patternValues(type, normal)))(new Uint16Array(words.buffer), bytes);
  const values = dequantize(type, bytes);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const spread = { mean, deviation: Math.sqrt(variance) };
  spreads.set(type, spread);
  return spread;
}

/** @param normal normal quantiles (random.ts) */
export function drawBlocks(type: BlockType, deviation: number, normal: Float32Array): Draw {
  const spread = spreadOf(type, normal);
  const scale = deviation / spread.deviation;
  // Types without a minimum cannot shift; there the scale's sign varies, and with it the sign of the codes' own mean.
  const hasMinimum = QUANT_FORMATS[type].layout.some(({ name }) => name.startsWith("minimum"));
  const shift = hasMinimum ? spread.mean : 0;
  const values = patternValues(type, normal).map((value) => (value - shift) * scale);
  return drawWith(type, quantize(type, values));
}
