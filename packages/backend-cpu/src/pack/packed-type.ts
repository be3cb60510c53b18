/**
 * The packed forms of weights: which file type becomes which, and the sizes. Groups of 8 rows (the last one filled up
 * with zeros); what a block holds is written in assembly/kernels/linear-{nibble,byte,plain}.ts.
 */
import { MilletError } from "@millet/core/errors";
import { DTYPES, type DType, formatSpec, type TensorSpec } from "@millet/core/tensor";
import { PackedType } from "../../assembly/opcodes.js";

export interface PackedInfo {
  readonly type: PackedType;
  /** Inputs per block of a group. */
  readonly blockInputs: number;
  /** Bytes of 8 rows by `blockInputs` inputs. */
  readonly blockBytes: number;
  /** Whether `linear` takes activations as int8 blocks of 32; otherwise f32. */
  readonly quantized: boolean;
}

/** Bytes per block, and bits per weight: 4.5, 5, 8.5, 16, 16, 32, as in files. */
const PACKED = {
  q4_0: { type: PackedType.Q4_0, blockInputs: 32, blockBytes: 144, quantized: true },
  q4_1: { type: PackedType.Q4_1, blockInputs: 32, blockBytes: 160, quantized: true },
  q8_0: { type: PackedType.Q8_0, blockInputs: 32, blockBytes: 272, quantized: true },
  f16: { type: PackedType.F16, blockInputs: 1, blockBytes: 16, quantized: false },
  bf16: { type: PackedType.BF16, blockInputs: 1, blockBytes: 16, quantized: false },
  f32: { type: PackedType.F32, blockInputs: 1, blockBytes: 32, quantized: false },
} as const satisfies Partial<Record<DType, PackedInfo>>;

export function isPackable(dtype: DType): dtype is keyof typeof PACKED {
  return Object.hasOwn(PACKED, dtype);
}

/** @throws MilletError GRAPH_UNSUPPORTED_OP if the backend does not multiply this type */
export function packedInfo(spec: TensorSpec): PackedInfo {
  if (isPackable(spec.dtype)) return PACKED[spec.dtype];
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
