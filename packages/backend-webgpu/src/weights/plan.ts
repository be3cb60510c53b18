/**
 * Which page of GPU memory holds which weight, worked out before a byte is read. Weights follow each other in the
 * order in which the graphs use them, so that what a layer needs usually lies in one page.
 */
import type { GraphSet } from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import { byteLength, formatSpec } from "@millet/core/tensor";
import { GROUP_ROWS, packedBytes } from "../quant/format.js";
import { gpuFormat } from "../quant/index.js";
import type { PlacedWeight, WeightPart } from "./placed-weight.js";

/** Beginnings of parts are multiples of this: the least alignment that WebGPU asks of offsets of bindings. */
const ALIGNMENT = 256;

export interface WeightPlan {
  /** Where each weight lies, by its name. */
  readonly places: ReadonlyMap<string, PlacedWeight>;
  /** Bytes of each page. */
  readonly pages: readonly number[];
  /** Bytes of all pages. */
  readonly byteLength: number;
}

/** Limits of a device that bound a page. */
export interface PageLimits {
  readonly maxBufferSize: number;
  readonly maxStorageBufferBindingSize: number;
}

/**
 * Places weights: matrices packed by quant/<format>.ts, vectors as f32 in one row.
 * A weight that several nodes or graphs use is placed once.
 * @throws MilletError MODEL_TOO_LARGE if 4 rows of a weight exceed a page, MODEL_TENSOR_DTYPE
 */
export function planWeights(graphs: GraphSet, limits: PageLimits): WeightPlan {
  const pages = new Pages(limits);
  const places = new Map<string, PlacedWeight>();
  const used = Object.values(graphs).flatMap(({ nodes }) => nodes.flatMap(({ inputs }) => inputs));
  for (const { kind, name, spec } of used) {
    if (kind !== "weight" || places.has(name)) continue;
    const parts = spec.shape.length === 2 ? pages.matrix(name, spec) : [pages.part(0, 1, byteLength(spec))];
    places.set(name, { name, spec, parts });
  }
  return { places, pages: pages.sizes, byteLength: pages.sizes.reduce((sum, size) => sum + size, 0) };
}

class Pages {
  readonly sizes: number[] = [];
  readonly #limit: number;

  constructor({ maxBufferSize, maxStorageBufferBindingSize }: PageLimits) {
    this.#limit = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / ALIGNMENT) * ALIGNMENT;
  }

  /** A matrix in one part, or in several that each fill a page. */
  matrix(name: string, spec: PlacedWeight["spec"]): WeightPart[] {
    const [rows, columns] = [spec.shape[0]!, spec.shape[1]!];
    const format = gpuFormat(spec.dtype);
    const bytes = (count: number) => packedBytes(format, count, columns);
    if (bytes(rows) <= this.#limit) return [this.part(0, rows, bytes(rows))];
    const perPart = Math.floor(this.#limit / bytes(GROUP_ROWS)) * GROUP_ROWS;
    if (perPart === 0) throw tooWide(name, spec, bytes(GROUP_ROWS), this.#limit);
    const parts: WeightPart[] = [];
    for (let row = 0; row < rows; row += perPart) {
      const count = Math.min(perPart, rows - row);
      parts.push(this.part(row, count, bytes(count)));
    }
    return parts;
  }

  part(firstRow: number, rows: number, bytes: number): WeightPart {
    const size = Math.ceil(Math.max(bytes, 1) / ALIGNMENT) * ALIGNMENT;
    const last = this.sizes.at(-1);
    if (last === undefined || last + size > this.#limit) this.sizes.push(0);
    const page = this.sizes.length - 1;
    const offset = this.sizes[page]!;
    this.sizes[page] = offset + size;
    return { page, firstRow, rows, offset, byteLength: bytes };
  }
}

function tooWide(name: string, spec: PlacedWeight["spec"], bytes: number, limit: number): MilletError {
  return new MilletError(
    "MODEL_TOO_LARGE",
    `4 rows of "${name}", ${formatSpec(spec)}, take ${bytes} bytes, and a binding of this GPU holds ${limit}. ` +
      "Use another device or backend.",
    { details: { name, neededBytes: bytes, maximumBytes: limit } },
  );
}
