/** Where a weight lies on the device. */
import type { TensorSpec } from "@millet/core/tensor";

/** Rows of a weight that lie in one page, in the layout that quant/<format>.ts defines. */
export interface WeightPart {
  readonly page: number;
  /** First row of the weight that this part holds, and how many. */
  readonly firstRow: number;
  readonly rows: number;
  /** Bytes from the beginning of the page; a multiple of 256. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A weight on the device; in several parts if it is larger than a binding may be. */
export interface PlacedWeight {
  readonly name: string;
  readonly spec: TensorSpec;
  readonly parts: readonly WeightPart[];
}
