/**
 * What the encoders of 256-element blocks share: a scale (and a minimum) per sub-block, themselves rounded to integers
 * of one f16 each, then every value rounded with what the block really stores. Ours; GGML's reference differs.
 */
import { f16ToNumber, numberToF16 } from "./f16.js";
import { type Affine, clampRound, extreme, fitAffine, fitScale, type Levels } from "./fit.js";

/** Elements of a block of every K-type and of iq4_xs. */
export const SUPER_BLOCK = 256;

/** A block on the way to its bytes. One object serves all blocks of a call. */
export class SuperBlock {
  /** What the sub-blocks' scales are multiples of: a value that f16 holds. */
  unit = 0;
  /** What the sub-blocks' minimums are multiples of: a value that f16 holds; affine types only. */
  minimumUnit = 0;
  /** Integer scale of each sub-block. */
  readonly scales = new Int16Array(16);
  /** Integer minimum of each sub-block; affine types only. */
  readonly minimums = new Int16Array(16);
  /** Code of each element. */
  readonly quants = new Uint8Array(SUPER_BLOCK);
}

const exactScales = new Float64Array(16);
const exactMinimums = new Float64Array(16);
const affine: Affine = { scale: 0, minimum: 0 };

function roundToF16(x: number): number {
  return f16ToNumber(numberToF16(x));
}

/** `x / unit` rounded within low..high; 0 where the unit vanished in f16. */
function multiple(x: number, unit: number, low: number, high: number): number {
  return unit === 0 ? 0 : low + clampRound(x / unit - low, high - low);
}

/**
 * Encodes a block as value = scale * (integer scale) * level.
 * @param from index of the block's first value
 * @param size elements of a sub-block
 * @param lowest lowest integer scale, -2^n; the highest is 2^n - 1
 */
export function encodeSymmetric(
  values: Float32Array,
  from: number,
  size: number,
  levels: Levels,
  lowest: number,
  block: SuperBlock,
): void {
  const count = SUPER_BLOCK / size;
  for (let j = 0; j < count; j++) exactScales[j] = fitScale(values, from + j * size, size, levels);
  const unit = roundToF16(extreme(exactScales, 0, count) / lowest);
  block.unit = unit;
  for (let j = 0; j < count; j++) {
    block.scales[j] = multiple(exactScales[j]!, unit, lowest, -lowest - 1);
    const scale = unit * block.scales[j]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = j * size; i < (j + 1) * size; i++) {
      block.quants[i] = levels.nearest(values[from + i]! * inverse);
    }
  }
}

/**
 * Encodes a block as value = scale * (integer scale) * q - minimum * (integer minimum).
 * @param from index of the block's first value
 * @param size elements of a sub-block
 * @param last largest q
 * @param lastScale largest integer scale and minimum
 */
export function encodeAffine(
  values: Float32Array,
  from: number,
  size: number,
  last: number,
  lastScale: number,
  block: SuperBlock,
): void {
  const count = SUPER_BLOCK / size;
  for (let j = 0; j < count; j++) {
    fitAffine(values, from + j * size, size, last, affine);
    exactScales[j] = affine.scale;
    exactMinimums[j] = affine.minimum;
  }
  const unit = roundToF16(extreme(exactScales, 0, count) / lastScale);
  const minimumUnit = roundToF16(extreme(exactMinimums, 0, count) / lastScale);
  block.unit = unit;
  block.minimumUnit = minimumUnit;
  for (let j = 0; j < count; j++) {
    block.scales[j] = multiple(exactScales[j]!, unit, 0, lastScale);
    block.minimums[j] = multiple(exactMinimums[j]!, minimumUnit, 0, lastScale);
    const scale = unit * block.scales[j]!;
    const minimum = minimumUnit * block.minimums[j]!;
    const inverse = scale === 0 ? 0 : 1 / scale;
    for (let i = j * size; i < (j + 1) * size; i++) {
      block.quants[i] = clampRound((values[from + i]! + minimum) * inverse, last);
    }
  }
}
