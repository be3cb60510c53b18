/**
 * Weights whose files run across the rows that Millet wants: they are put together band by band of 32 columns, reading the
 * file forward once, and kept in their final type until they were read to their end.
 */
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { byteLength, type TensorSpec } from "../../tensor/tensor.js";
import type { WeightSource } from "../../tensor/weights.js";
import { checkRange, encode } from "./encoded.js";
import { withFloats } from "./scratch.js";
import type { Place, Values } from "./values.js";

const BAND_COLUMNS = 32;

/**
 * Writes columns [first, first + count) of all rows, each row's `count / blockElements` blocks behind the other's.
 * `count` is 32, or less in the last band of a type without blocks.
 */
type FillBand = (first: number, count: number, bytes: Uint8Array, signal?: AbortSignal) => Promise<void>;

export function bandedWeight(spec: TensorSpec, place: Place | undefined, fill: FillBand): WeightSource {
  let whole: Promise<Uint8Array> | undefined;
  return {
    spec,
    place,
    async readInto(offset, target, signal) {
      checkRange(spec, offset, target);
      whole ??= putTogether(spec, fill, signal);
      const mine = whole;
      const bytes = await mine.catch((error: unknown) => {
        whole = undefined; // the next read tries again
        throw error;
      });
      target.set(bytes.subarray(offset, offset + target.byteLength));
      if (offset + target.byteLength === bytes.byteLength && whole === mine) whole = undefined;
    },
  };
}

async function putTogether(
  spec: TensorSpec,
  fill: FillBand,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const [rows, columns] = [spec.shape[0]!, spec.shape[1]!];
  const { blockElements, blockBytes } = DTYPES[spec.dtype];
  const rowBytes = (columns / blockElements) * blockBytes;
  const bandBytes = (BAND_COLUMNS / blockElements) * blockBytes;
  const whole = new Uint8Array(byteLength(spec));
  const band = new Uint8Array(rows * bandBytes);
  for (let first = 0; first < columns; first += BAND_COLUMNS) {
    const count = Math.min(BAND_COLUMNS, columns - first);
    const size = (count / blockElements) * blockBytes;
    await fill(first, count, band.subarray(0, rows * size), signal);
    const at = (first / blockElements) * blockBytes;
    for (let row = 0; row < rows; row++) {
      whole.set(band.subarray(row * size, (row + 1) * size), row * rowBytes + at);
    }
  }
  return whole;
}

/** The transpose of a matrix (GPT-2's Conv1D keeps [inputs, outputs]), encoded as `dtype`. */
export function transposedWeight(values: Values, dtype: DType): WeightSource {
  const [columns, rows] = [values.shape[0]!, values.shape[1]!];
  const place = values.place && { ...values.place, made: `transpose as ${dtype}` };
  return bandedWeight({ dtype, shape: [rows, columns] }, place, (first, count, bytes, signal) =>
    withFloats(count * rows, async (source) => {
      await values.read(first * rows, source, signal);
      await withFloats(count * rows, async (floats) => {
        for (let row = 0; row < rows; row++) {
          for (let i = 0; i < count; i++) floats[row * count + i] = source[i * rows + row]!;
        }
        encode(dtype, floats, bytes);
      });
    }),
  );
}
