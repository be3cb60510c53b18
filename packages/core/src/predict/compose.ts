/** From times of a scaled model to predictions of the whole one. Pure arithmetic. */
import { median } from "./median.js";
import type { ProbeTimes } from "./probe.js";
import type { ModelScale } from "./scale-model.js";
import type { Prediction } from "./types.js";

/** What a prediction is off by even if nothing disturbed the measurement. */
const MODEL_ERROR = 0.1;
/** More where layers or rows of the vocabulary were left out. */
const SCALING_ERROR = 0.05;
/** Reading a file and packing it overlap only in part. */
const LOAD_ERROR = 0.3;

export interface Composition {
  readonly whole: ModelScale;
  readonly scale: ModelScale;
  readonly promptTokens: number;
  /** Bytes of all weights in the file, and how fast they are read: undefined where that is not known. */
  readonly fileBytes: number;
  readonly readBytesPerMs: number | undefined;
  /** Header and tokenizer. */
  readonly openMs: number;
}

export interface Speeds {
  readonly loadMs: Prediction;
  readonly prefillTokensPerSecond: Prediction;
  readonly decodeTokensPerSecond: Prediction;
}

export function compose(times: ProbeTimes, request: Composition): Speeds {
  const { whole, scale, promptTokens } = request;
  const layers = whole.layers / scale.layers;
  const rows = whole.vocabulary / scale.vocabulary;
  const scaling = layers > 1 || rows > 1 ? SCALING_ERROR : 0;
  // How a step's time divides is told by undisturbed steps, how long it takes by all of them: others use the machine too.
  const layersMs = median(times.decodeLayers);
  const headMs = Math.max(0, median(times.decode) - layersMs);
  const disturbed = typical(times.decode) / (layersMs + headMs);
  const endMs = rows * (headMs * disturbed + times.sampling);
  const decodeMs = layers * layersMs * disturbed + endMs;
  // The head multiplies one row of a prompt: the last.
  const chunks = promptTokens / times.promptChunkTokens;
  const promptMs = chunks * layers * typical(times.prompt) + endMs;
  return {
    decodeTokensPerSecond: withError(1000 / decodeMs, scaling, spread(times.decode)),
    prefillTokensPerSecond: withError((1000 * promptTokens) / promptMs, scaling, spread(times.prompt)),
    loadMs: loadTime(times, request),
  };
}

function loadTime({ startMs, packMs, packedBytes }: ProbeTimes, request: Composition): Prediction {
  const { fileBytes, readBytesPerMs = Number.POSITIVE_INFINITY, openMs } = request;
  const packing = packedBytes === 0 ? 0 : (packMs * fileBytes) / packedBytes;
  const reading = fileBytes / readBytesPerMs;
  // One buffer fills while the other is packed.
  const value = openMs + startMs + Math.max(packing, reading);
  return {
    value,
    low: value * (1 - LOAD_ERROR),
    high: openMs + startMs + (packing + reading) * (1 + LOAD_ERROR),
  };
}

function withError(value: number, ...errors: readonly number[]): Prediction {
  const error = Math.hypot(MODEL_ERROR, ...errors);
  return { value, low: value / (1 + error), high: value * (1 + error) };
}

const BATCHES = 3;

/** What a step takes when many follow each other, stalls included, save that a single one counts for little. */
function typical(values: readonly number[]): number {
  return median(batchMeans(values));
}

/** How far batches lie apart, as a share of their middle. */
function spread(values: readonly number[]): number {
  const means = batchMeans(values);
  const middle = median(means);
  return middle > 0 ? (Math.max(...means) - Math.min(...means)) / 2 / middle : 0;
}

function batchMeans(values: readonly number[]): readonly number[] {
  const size = Math.max(1, Math.floor(values.length / BATCHES));
  const batches = Array.from({ length: Math.min(BATCHES, values.length) }, (_, i) =>
    values.slice(i * size, i === BATCHES - 1 ? undefined : (i + 1) * size),
  );
  return batches.map((batch) => batch.reduce((sum, value) => sum + value, 0) / batch.length);
}
