/**
 * What a file of this folder describes: how one weight format lies on the GPU, how raw GGUF rows become that layout,
 * and how kernels decode it.
 *
 * Rows are stored in groups of 4 (the last one filled up with zeros), as planes: one plane holds one field of all
 * groups. Kernels work on chunks: 8 consecutive inputs of the 4 rows of a group. Of most planes a vec4<u32> has
 * component r for row r, so one 16-byte load serves 4 outputs, and neighbouring invocations, which take neighbouring
 * chunks, read neighbouring vectors.
 */
import { DTYPES, type DType } from "@millet/core/tensor";

/** Rows of a group. */
export const GROUP_ROWS = 4;
/** Inputs of a chunk. */
export const CHUNK = 8;

/**
 * How the units of a plane are stored. A unit belongs to one row; `words`: 32 bits, the 4 rows of a group side by side;
 * `halves`: 16 bits, likewise; `bytes`: 8 bits, likewise; `rows`: 32 bits, a row's units side by side, then the next row.
 */
export type PlaneKind = "words" | "halves" | "bytes" | "rows";

const UNIT_BYTES = { words: 4, halves: 2, bytes: 1, rows: 4 } as const satisfies Record<PlaneKind, number>;

export interface Plane {
  readonly kind: PlaneKind;
  /** Units of a row of `columns` inputs. */
  units(columns: number): number;
  /** WGSL of a unit's value from raw bytes, as u32; `row` is the address of the row's first byte, `unit` its number. */
  readonly value: string;
}

/** A page of weights as kernels read it. */
export interface PageView {
  /** Appended to the names of functions, so that several pages and formats share a kernel. */
  readonly suffix: string;
  /** Variable of type array<vec4<u32>>. */
  readonly page: string;
  readonly columns: number;
}

export type WeightDType = Extract<
  DType,
  | "f32"
  | "f16"
  | "bf16"
  | "q4_0"
  | "q4_1"
  | "q5_0"
  | "q5_1"
  | "q8_0"
  | "q2_k"
  | "q3_k"
  | "q4_k"
  | "q5_k"
  | "q6_k"
  | "iq4_nl"
  | "iq4_xs"
>;

/**
 * A format. `decode` gives WGSL functions of (planes: vec4<u32>, group: u32, chunk: u32), where `planes` are the first
 * vectors of the planes within the page:
 * - numbers "floats": `floats<suffix>` -> Floats, the weights;
 * - else `codes<suffix>` -> Codes, a byte for each weight, and `scales<suffix>` -> Scales with
 *   weight = scale * code + offset. Codes are below 128, or two's complement if `numbers` is "signed".
 */
export interface GpuFormat {
  readonly dtype: WeightDType;
  readonly numbers: "floats" | "unsigned" | "signed";
  /** Whether `offset` is ever other than 0. */
  readonly hasOffset: boolean;
  /** At most 4. */
  readonly planes: readonly Plane[];
  /** WGSL functions that planes' values use besides those of pack-wgsl.ts. */
  readonly raw: string;
  decode(view: PageView): string;
}

/** Groups of `rows` rows. */
export function groupsOf(rows: number): number {
  return Math.ceil(rows / GROUP_ROWS);
}

/** Chunks of a row, the last one filled up. */
export function chunksOf(columns: number): number {
  return Math.ceil(columns / CHUNK);
}

/** Bytes of a plane that holds `rows` rows, a multiple of 16. */
export function planeBytes(plane: Plane, rows: number, columns: number): number {
  const bytes = groupsOf(rows) * GROUP_ROWS * plane.units(columns) * UNIT_BYTES[plane.kind];
  return Math.ceil(bytes / 16) * 16;
}

/** Where each plane begins, in bytes from the part's beginning. */
export function planeOffsets(format: GpuFormat, rows: number, columns: number): number[] {
  let end = 0;
  return format.planes.map((plane) => {
    const begin = end;
    end += planeBytes(plane, rows, columns);
    return begin;
  });
}

/** `planes` of the decode functions: the first vector of each plane of a part within its page, as 4 words of Params. */
export function planeVectors(
  format: GpuFormat,
  part: { readonly offset: number; readonly rows: number },
  columns: number,
): number[] {
  const offsets = planeOffsets(format, part.rows, columns);
  return [0, 1, 2, 3].map((i) => (offsets[i] === undefined ? 0 : (part.offset + offsets[i]) / 16));
}

/** Bytes of `rows` rows of a format, a multiple of 16. */
export function packedBytes(format: GpuFormat, rows: number, columns: number): number {
  return format.planes.reduce((sum, plane) => sum + planeBytes(plane, rows, columns), 0);
}

/** A plane of `count` units for each block of the dtype. */
export function blockPlane(dtype: WeightDType, kind: PlaneKind, count: number, value: string): Plane {
  const { blockElements } = DTYPES[dtype];
  return { kind, units: (columns) => (columns / blockElements) * count, value };
}
