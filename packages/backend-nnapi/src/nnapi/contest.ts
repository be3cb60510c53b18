/** Times something that computes the same in every run, and compares results: what candidates are judged by. */
import { MilletError } from "@millet/core/errors";

/** Runs of a fast one: the median of few is steady where their mean is not. */
const MOST_RUNS = 3;
/** No more runs after this long, seconds. */
const ENOUGH_SECONDS = 2;
/** One that has not answered by then will be no help, milliseconds. */
const LIMIT_MS = 60_000;

export interface Measurement {
  /** Median of the runs after the first, which warms up. */
  readonly seconds: number;
  readonly result: Float32Array;
}

/**
 * @param run computes once
 * @throws MilletError NNAPI_DRIVER_REJECTED if a run takes longer than a minute; what `run` throws
 */
export async function measure(run: () => Promise<Float32Array>): Promise<Measurement> {
  const seconds: number[] = [];
  let result = await withLimit(run());
  const start = performance.now();
  while (seconds.length < MOST_RUNS) {
    const begin = performance.now();
    result = await withLimit(run());
    const end = performance.now();
    seconds.push((end - begin) / 1000);
    if (end - start > ENOUGH_SECONDS * 1000) break;
  }
  return { seconds: median(seconds), result };
}

/** Rejects when the time is up; the work itself cannot be stopped. */
export async function withLimit<T>(work: Promise<T>, milliseconds = LIMIT_MS): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLong(milliseconds)), milliseconds);
  });
  work.catch(() => undefined); // after the limit nobody waits for it
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function tooLong(milliseconds: number): MilletError {
  return new MilletError(
    "NNAPI_DRIVER_REJECTED",
    `The provider did not answer within ${milliseconds / 1000} s and was given up.`,
  );
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Sum of squared differences by the sum of squares; NaN if either has a number that is not finite. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let difference = 0;
  let power = 0;
  for (const [i, value] of expected.entries()) {
    const other = actual[i] ?? Number.NaN;
    difference += (other - value) ** 2;
    power += value ** 2;
  }
  if (!Number.isFinite(difference) || !Number.isFinite(power)) return Number.NaN;
  return power === 0 ? difference : difference / power;
}

export function allFinite(values: Float32Array): boolean {
  for (const value of values) if (!Number.isFinite(value)) return false;
  return true;
}
