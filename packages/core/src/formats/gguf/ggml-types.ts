/**
 * The tensor types that GGML numbers, by id: names and block sizes of all of them, whether Millet computes with them
 * or not, so that any file can be inspected. Source: ggml.h and the Python package gguf (GGML_QUANT_SIZES).
 */
import { type DType, isDType } from "../../tensor/dtype.js";

export interface GgmlType {
  readonly id: number;
  /** GGML's name in lower case: "q4_k". */
  readonly name: string;
  /** Ours, if Millet knows the type. */
  readonly dtype: DType | undefined;
  /** Elements and bytes of a block; undefined for types that GGML has withdrawn or that are newer than this list. */
  readonly block: { readonly elements: number; readonly bytes: number } | undefined;
}

/** [id, name, elements per block, bytes per block] */
const SIZED: readonly (readonly [number, string, number, number])[] = [
  [0, "f32", 1, 4],
  [1, "f16", 1, 2],
  [2, "q4_0", 32, 18],
  [3, "q4_1", 32, 20],
  [6, "q5_0", 32, 22],
  [7, "q5_1", 32, 24],
  [8, "q8_0", 32, 34],
  [9, "q8_1", 32, 36],
  [10, "q2_k", 256, 84],
  [11, "q3_k", 256, 110],
  [12, "q4_k", 256, 144],
  [13, "q5_k", 256, 176],
  [14, "q6_k", 256, 210],
  [15, "q8_k", 256, 292],
  [16, "iq2_xxs", 256, 66],
  [17, "iq2_xs", 256, 74],
  [18, "iq3_xxs", 256, 98],
  [19, "iq1_s", 256, 50],
  [20, "iq4_nl", 32, 18],
  [21, "iq3_s", 256, 110],
  [22, "iq2_s", 256, 82],
  [23, "iq4_xs", 256, 136],
  [24, "i8", 1, 1],
  [25, "i16", 1, 2],
  [26, "i32", 1, 4],
  [27, "i64", 1, 8],
  [28, "f64", 1, 8],
  [29, "iq1_m", 256, 56],
  [30, "bf16", 1, 2],
  [34, "tq1_0", 256, 54],
  [35, "tq2_0", 256, 66],
  [39, "mxfp4", 32, 17],
  [40, "nvfp4", 64, 36],
  [41, "q1_0", 128, 18],
];

/** Numbers that GGML once gave out and took back. */
const WITHDRAWN: readonly (readonly [number, string])[] = [
  [4, "q4_2"],
  [5, "q4_3"],
  [31, "q4_0_4_4"],
  [32, "q4_0_4_8"],
  [33, "q4_0_8_8"],
  [36, "iq4_nl_4_4"],
  [37, "iq4_nl_4_8"],
  [38, "iq4_nl_8_8"],
];

const dtypeOf = (name: string): DType | undefined => (isDType(name) ? name : undefined);

/** Every type that GGML has ever numbered, by id. */
export const GGML_TYPES: ReadonlyMap<number, GgmlType> = new Map(
  [
    ...SIZED.map(([id, name, elements, bytes]) => ({
      id,
      name,
      dtype: dtypeOf(name),
      block: { elements, bytes },
    })),
    ...WITHDRAWN.map(([id, name]) => ({ id, name, dtype: undefined, block: undefined })),
  ].map((type) => [type.id, type]),
);

const BY_NAME: ReadonlyMap<string, GgmlType> = new Map(
  [...GGML_TYPES.values()].map((type) => [type.name, type]),
);

/** The type of an id; one without block size, called "type <id>", if GGML defined it after this list was made. */
export function ggmlType(id: number): GgmlType {
  return GGML_TYPES.get(id) ?? { id, name: `type ${id}`, dtype: undefined, block: undefined };
}

/** The type of a name in lower case, such as "q4_0". */
export function ggmlTypeOf(name: string): GgmlType | undefined {
  return BY_NAME.get(name);
}
