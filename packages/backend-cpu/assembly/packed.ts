/** Sizes of packed weights. Every type packs groups of 8 output features; the host's table is src/pack/packed-type.ts. */
import { PackedType } from "./opcodes";

/** Bytes of a group of 8 features with `width` inputs. */
export function packedGroupBytes(type: PackedType, width: i32): usize {
  if (type == PackedType.Q4_0) return <usize>(width >> 5) * 144;
  if (type == PackedType.Q4_1) return <usize>(width >> 5) * 160;
  if (type == PackedType.Q8_0) return <usize>(width >> 5) * 272;
  return <usize>width << (type == PackedType.F32 ? 5 : 4);
}
