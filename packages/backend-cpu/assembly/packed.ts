/**
 * Sizes of packed weights, in groups of 8 output features (docs/packed-layouts.md); the host's table is
 * src/pack/packed-type.ts. Types whose codes are split into planes of bits begin at Q4_K.
 */
import { PackedType } from "./opcodes";

/** Bytes of a group of 8 features with `width` inputs. */
export function packedGroupBytes(type: PackedType, width: i32): usize {
  const blocks = <usize>(width >> 5);
  if (isPlain(type)) return <usize>width << (type == PackedType.F32 ? 5 : 4);
  return blocks * planeBytes(type) + (isSuper(type) ? blocks >> 3 : blocks) * headerBytes(type);
}

/** Blocks of 32 inputs that a header serves. */
@inline
export function span(type: PackedType): i32 {
  return isSuper(type) ? 8 : 1;
}

/** f32, f16 and bf16, whose products take f32 activations. */
@inline
export function isPlain(type: PackedType): bool {
  return type >= PackedType.F16 && type <= PackedType.F32;
}

@inline
export function isPlanes(type: PackedType): bool {
  return type >= PackedType.Q4_K;
}

/** Whether a header serves 256 inputs, not 32. */
@inline
export function isSuper(type: PackedType): bool {
  return isPlanes(type) && type != PackedType.Q5_0 && type != PackedType.Q5_1 && type != PackedType.IQ4_NL;
}

/** Whether each 16 inputs have an integer scale. */
@inline
export function hasHalves(type: PackedType): bool {
  return type == PackedType.Q6_K || type == PackedType.Q3_K || type == PackedType.Q2_K;
}

/** Whether a code is an index into the uneven levels of iq4_nl. */
@inline
export function hasLevels(type: PackedType): bool {
  return type == PackedType.IQ4_NL || type == PackedType.IQ4_XS;
}

/** Whether 4 bits of a code are in nibble planes; else 2 bits are in planes of pairs. */
@inline
export function hasNibbles(type: PackedType): bool {
  return type != PackedType.Q3_K && type != PackedType.Q2_K && type != PackedType.Q8_0;
}

@inline
export function hasFifthBits(type: PackedType): bool {
  return type == PackedType.Q5_K || type == PackedType.Q5_0 || type == PackedType.Q5_1;
}

@inline
export function hasMinimum(type: PackedType): bool {
  if (type == PackedType.Q4_1) return true;
  return type == PackedType.Q4_K || type == PackedType.Q5_K || type == PackedType.Q5_1 || type == PackedType.Q2_K;
}

/** Where a header's integer scales begin. */
@inline
export function integersOffset(type: PackedType): usize {
  return hasMinimum(type) ? 32 : 16;
}

/** Bytes of a header's integers for 32 inputs. */
@inline
export function integerBytes(type: PackedType): usize {
  return type == PackedType.IQ4_XS ? 8 : 16;
}

/** Bytes before the planes: f16 scales and minimums, and integer scales. */
@inline
export function headerBytes(type: PackedType): usize {
  return integersOffset(type) + (isSuper(type) ? integerBytes(type) << 3 : 0);
}

/** Bytes of the planes of upper bits, which precede those of lower bits. */
@inline
export function upperBytes(type: PackedType): usize {
  if (type == PackedType.Q6_K) return 64;
  return hasFifthBits(type) || type == PackedType.Q3_K ? 32 : 0;
}

/** Bytes of the planes of 32 inputs; of the codes themselves for q8_0. */
@inline
export function planeBytes(type: PackedType): usize {
  if (type == PackedType.Q8_0) return 256;
  return upperBytes(type) + (hasNibbles(type) ? 128 : 64);
}
