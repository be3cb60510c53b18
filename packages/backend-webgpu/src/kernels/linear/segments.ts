/**
 * The output columns of a LinearSpec as segments: runs of columns whose weights lie in one part each. A kernel takes as
 * many segments as its bindings and its Params allow.
 */
import type { LinearSpec } from "../../lower/specs.js";
import type { GpuFormat } from "../../quant/format.js";
import { GROUP_ROWS, packedBytes, planeVectors } from "../../quant/format.js";
import { gpuFormat } from "../../quant/index.js";
import type { PlacedWeight, WeightPart } from "../../weights/placed-weight.js";
import { PARAM_WORDS } from "../wgsl.js";

/** The weight of a segment; for a gate a segment has two. */
export interface SegmentWeight {
  readonly format: GpuFormat;
  readonly part: WeightPart;
  /** The segment's first group of 4 rows within the part. */
  readonly firstGroup: number;
  /** Where the bias of the segment's first row lies: page, and word within it. */
  readonly bias?: { readonly page: number; readonly word: number } | undefined;
}

export interface Segment {
  readonly weights: readonly SegmentWeight[];
  /** First column of y, and how many. */
  readonly column: number;
  readonly rows: number;
}

/** Segments that one dispatch serves. */
export interface Batch {
  readonly segments: readonly Segment[];
  /** All pages that it reads, that of the norm included. */
  readonly pages: readonly number[];
}

/** Pages of weights that a dispatch may bind: 8 storage buffers are there on every device; call, x, y and residual take 4. */
const MOST_PAGES = 4;

export function segmentsOf({ parts, finish }: LinearSpec): Segment[] {
  if (finish === "gated") return alignedSegments(parts, 0);
  let column = 0;
  return parts.flatMap((part) => {
    const segments = alignedSegments([part], column);
    column += part.weight.spec.shape[0]!;
    return segments;
  });
}

/** Cuts weights of equally many rows wherever a part of any of them ends. */
function alignedSegments(parts: LinearSpec["parts"], firstColumn: number): Segment[] {
  const ends = new Set(parts.flatMap(({ weight }) => weight.parts.map((part) => part.firstRow + part.rows)));
  let row = 0;
  return [...ends]
    .sort((a, b) => a - b)
    .map((end) => {
      const weights = parts.map(({ weight, bias }) => segmentWeight(weight, bias, row));
      const segment = { weights, column: firstColumn + row, rows: end - row };
      row = end;
      return segment;
    });
}

function segmentWeight(weight: PlacedWeight, bias: PlacedWeight | undefined, row: number): SegmentWeight {
  const part = weight.parts.find(({ firstRow, rows }) => row >= firstRow && row < firstRow + rows)!;
  const biasPart = bias?.parts[0];
  return {
    format: gpuFormat(weight.spec.dtype),
    part,
    firstGroup: (row - part.firstRow) / GROUP_ROWS,
    bias: biasPart && { page: biasPart.page, word: biasPart.offset / 4 + row },
  };
}

/**
 * Fills dispatches with segments, in order.
 * @param paramVectors of 4 words of Params that the kernel uses besides those of segments
 * @param normPage page that every dispatch reads
 */
export function batchesOf(
  segments: readonly Segment[],
  paramVectors: number,
  normPage: number | undefined,
): Batch[] {
  const most = PARAM_WORDS / 4 - paramVectors;
  const first = normPage === undefined ? [] : [normPage];
  const batches: { segments: Segment[]; pages: Set<number> }[] = [];
  let vectors = most;
  for (const segment of segments) {
    const own = segment.weights.flatMap(({ part, bias }) => (bias ? [part.page, bias.page] : [part.page]));
    const pages = new Set([...(batches.at(-1)?.pages ?? first), ...own]);
    const need = paramVectorsOf(segment);
    if (vectors + need > most || pages.size > MOST_PAGES) {
      batches.push({ segments: [segment], pages: new Set([...first, ...own]) });
      vectors = need;
    } else {
      batches.at(-1)!.segments.push(segment);
      for (const page of own) batches.at(-1)!.pages.add(page);
      vectors += need;
    }
  }
  return batches.map(({ segments, pages }) => ({ segments, pages: [...pages] }));
}

/** Vectors of Params of a segment: the planes of each weight, after the words of biases. */
function paramVectorsOf({ weights }: Segment): number {
  return weights.length + 1;
}

/** The words of Params that {@link paramVectorsOf} counts. */
export function segmentParams({ weights }: Segment, columns: number): number[] {
  const planes = weights.flatMap(({ format, part }) => planeVectors(format, part, columns));
  return [...planes, ...[0, 1, 2, 3].map((i) => weights[i]?.bias?.word ?? 0)];
}

/** Index in Params' vectors of the first one of each segment. */
export function firstVectors(segments: readonly Segment[], paramVectors: number): number[] {
  let next = paramVectors;
  return segments.map((segment) => {
    const first = next;
    next += paramVectorsOf(segment);
    return first;
  });
}

/** Bytes of weights that the segments hold. */
export function weightBytesOf(segments: readonly Segment[], columns: number): number {
  const sizes = segments.flatMap(({ weights, rows }) =>
    weights.map(({ format }) => packedBytes(format, rows, columns)),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
