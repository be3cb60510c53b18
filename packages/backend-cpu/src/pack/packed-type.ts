/**
 * The packed forms of weights (docs/packed-layouts.md): which file type becomes which, their sizes and opcodes, and which
 * engine has kernels for them. Groups of 8 rows, the last one filled up with zeros.
 */
import { MilletError } from "@millet/core/errors";
import { DTYPES, type DType, formatSpec, type TensorSpec } from "@millet/core/tensor";
import { Opcode, PackedType } from "../../assembly/opcodes.js";

/**
 * Counts the forms that packed weights have had. It goes up with every change of what `pack_<type>` writes or of where
 * weights lie: packed files of another version are not used. test/packed-file/layout.test.ts notices such changes.
 */
export const PACKED_LAYOUT_VERSION = 1;

export interface PackedInfo {
  readonly type: PackedType;
  readonly linear: Opcode;
  readonly pack: Opcode;
  /** Inputs per block of a group. */
  readonly blockInputs: number;
  /** Bytes of 8 rows by `blockInputs` inputs. */
  readonly blockBytes: number;
  /** Whether `linear` takes activations as int8 blocks of 32; otherwise f32. */
  readonly quantized: boolean;
}

type TypeName = keyof typeof PackedType & string;

function blocks(name: TypeName, blockInputs: number, blockBytes: number, quantized = true): PackedInfo {
  const [linear, pack] = [Opcode[`Linear${name}`], Opcode[`Pack${name}`]];
  return { type: PackedType[name], linear, pack, blockInputs, blockBytes, quantized };
}

const PACKED = {
  q4_0: blocks("Q4_0", 32, 144),
  q4_1: blocks("Q4_1", 32, 160),
  q8_0: blocks("Q8_0", 32, 272),
  f16: blocks("F16", 1, 16, false),
  bf16: blocks("BF16", 1, 16, false),
  f32: blocks("F32", 1, 32, false),
  q4_k: blocks("Q4_K", 256, 1184),
  q5_k: blocks("Q5_K", 256, 1440),
  q6_k: blocks("Q6_K", 256, 1680),
  q5_0: blocks("Q5_0", 32, 176),
  q5_1: blocks("Q5_1", 32, 192),
  iq4_nl: blocks("IQ4_NL", 32, 144),
  iq4_xs: blocks("IQ4_XS", 256, 1104),
  q3_k: blocks("Q3_K", 256, 912),
  q2_k: blocks("Q2_K", 256, 672),
} as const satisfies Partial<Record<DType, PackedInfo>>;

export type PackedDType = keyof typeof PACKED;

/** Weight types that the kernels of an engine multiply. */
export const WEIGHT_TYPES: Readonly<Record<"wasm" | "native", ReadonlySet<DType>>> = {
  wasm: new Set(Object.keys(PACKED) as PackedDType[]),
  native: new Set(Object.keys(PACKED) as PackedDType[]),
};

/** @throws MilletError GRAPH_UNSUPPORTED_OP if the backend does not multiply this type */
export function packedInfo(spec: TensorSpec): PackedInfo {
  if (Object.hasOwn(PACKED, spec.dtype)) return PACKED[spec.dtype as PackedDType];
  const known = Object.keys(PACKED).join(", ");
  throw new MilletError(
    "GRAPH_UNSUPPORTED_OP",
    `The CPU backend does not multiply ${formatSpec(spec)}; it takes ${known}.`,
  );
}

/** Rows rounded up to whole groups. */
export function groupsOf(rows: number): number {
  return Math.ceil(rows / 8);
}

/** Bytes of a packed matrix [rows, width]. */
export function packedByteLength(spec: TensorSpec): number {
  const [rows, width] = [spec.shape[0]!, spec.shape[1]!];
  const { blockInputs, blockBytes } = packedInfo(spec);
  return groupsOf(rows) * (width / blockInputs) * blockBytes;
}

/** Bytes of one row in the file. */
export function rawRowBytes(spec: TensorSpec): number {
  const { blockElements, blockBytes } = DTYPES[spec.dtype];
  return (spec.shape[1]! / blockElements) * blockBytes;
}
