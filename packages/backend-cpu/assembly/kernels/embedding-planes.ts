/** One element of the packed types whose codes are split into planes (docs/packed-layouts.md). */
import { Constant, constantByte } from "../constants";
import { half } from "../half";
import { PackedType } from "../opcodes";
import {
  hasFifthBits,
  hasHalves,
  hasLevels,
  hasMinimum,
  hasNibbles,
  headerBytes,
  integerBytes,
  integersOffset,
  isSuper,
  planeBytes,
  upperBytes,
} from "../packed";

/** Element `k` of row `lane` of a packed group. */
export function planesElement(type: PackedType, group: usize, lane: i32, k: i32): f32 {
  const span = isSuper(type) ? 8 : 1;
  const block = k >> 5;
  const header = group + (headerBytes(type) + planeBytes(type) * span) * (block / span);
  const within = block % span;
  const value = <f32>weight(type, header + headerBytes(type) + planeBytes(type) * within, lane, k & 31);
  const lane2 = <usize>lane << 1;
  let scale = half(header + lane2);
  let minimum: f32 = hasMinimum(type) ? half(header + lane2 + 16) : 0;
  if (type == PackedType.Q5_1) return scale * value + minimum;
  if (isSuper(type)) {
    const half16 = hasHalves(type) ? <usize>((k >> 4) & 1) << 3 : 0;
    const integers = header + integersOffset(type) + integerBytes(type) * within + half16 + lane;
    scale *= <f32>integerScale(type, integers);
    minimum *= <f32>(type == PackedType.Q2_K ? load<u8>(integers) >> 4 : load<u8>(integers, 8));
  }
  return hasMinimum(type) ? scale * value - minimum : scale * value;
}

function integerScale(type: PackedType, at: usize): i32 {
  if (type == PackedType.Q2_K) return load<u8>(at) & 15;
  return hasMinimum(type) ? <i32>load<u8>(at) : <i32>load<i8>(at);
}

/** What the scale multiplies: the code of input `k` (below 32), less its offset, or its level. */
function weight(type: PackedType, planes: usize, lane: i32, k: i32): i32 {
  const e = k >> 2;
  const at = planes + (<usize>lane << 2) + (k & 3);
  const lower = at + upperBytes(type);
  const pair = <usize>(e >> 2) << 5;
  if (!hasNibbles(type)) {
    const low = (<i32>load<u8>(lower + pair) >> ((e & 3) << 1)) & 3;
    return type == PackedType.Q2_K ? low : (low | (((<i32>load<u8>(at) >> e) & 1) << 2)) - 4;
  }
  const low = (<i32>load<u8>(lower + (<usize>(e >> 1) << 5)) >> ((e & 1) << 2)) & 15;
  if (type == PackedType.Q6_K) {
    const shift = ((e & 1) << 2) | (e & 2);
    return (low | (((<i32>load<u8>(at + pair) >> shift) & 3) << 4)) - 32;
  }
  if (hasFifthBits(type)) {
    const code = low | (((<i32>load<u8>(at) >> (((e & 1) << 2) + (e >> 1))) & 1) << 4);
    return type == PackedType.Q5_0 ? code - 16 : code;
  }
  return hasLevels(type) ? constantByte(Constant.Levels, low) : low;
}
