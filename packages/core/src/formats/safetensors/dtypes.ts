/** The element types of safetensors, with their sizes in bits. Source: the safetensors format (huggingface/safetensors). */
import type { DType } from "../../tensor/dtype.js";

export interface SafetensorsType {
  /** In lower case: "bf16", "f8_e4m3". */
  readonly name: string;
  readonly bits: number;
  /** Ours, if Millet knows the type. */
  readonly dtype: DType | undefined;
}

/** [name, bits, ours] */
const TYPES: readonly (readonly [string, number, DType?])[] = [
  ["BOOL", 8],
  ["F4", 4],
  ["F6_E2M3", 6],
  ["F6_E3M2", 6],
  ["U8", 8, "u8"],
  ["I8", 8, "i8"],
  ["F8_E5M2", 8],
  ["F8_E4M3", 8],
  ["F8_E8M0", 8],
  ["F8_E4M3FNUZ", 8],
  ["F8_E5M2FNUZ", 8],
  ["I16", 16],
  ["U16", 16],
  ["F16", 16, "f16"],
  ["BF16", 16, "bf16"],
  ["I32", 32, "i32"],
  ["U32", 32, "u32"],
  ["F32", 32, "f32"],
  ["F64", 64, "f64"],
  ["I64", 64],
  ["U64", 64],
  ["C64", 64],
];

/** By the name in files. */
export const SAFETENSORS_TYPES: ReadonlyMap<string, SafetensorsType> = new Map(
  TYPES.map(([name, bits, dtype]) => [name, { name: name.toLowerCase(), bits, dtype }]),
);
