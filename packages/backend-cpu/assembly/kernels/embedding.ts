/**
 * embedding: rows of a packed weight, chosen by token id, as f32. The packed form is the one that `linear` multiplies,
 * so that tied embeddings are resident once. Shared by groups of 8 features.
 */
import { address, count, real, word } from "../address";
import { half } from "../half";
import { EmbeddingOperand as Operand, PackedType } from "../opcodes";
import { isPlanes, packedGroupBytes } from "../packed";
import { shareEnd, shareStart } from "../partition";
import { planesElement } from "./embedding-planes";

export function embedding(step: usize, thread: i32, threads: i32): void {
  const type: PackedType = word(step, Operand.Type);
  const width = word(step, Operand.Width);
  const vocabulary = word(step, Operand.Vocabulary);
  const weight = address(step, Operand.Weight);
  const tokens = address(step, Operand.Tokens);
  const yStride = address(step, Operand.YStride);
  const scale = real(step, Operand.Scale);
  const groups = (width + 7) >> 3;
  const start = shareStart(groups, thread, threads) << 3;
  const end = min(shareEnd(groups, thread, threads) << 3, width);
  const rows = count(step, Operand.Count);
  let y = address(step, Operand.Y);
  for (let i = 0; i < rows; i++) {
    const token = load<i32>(tokens + (<usize>i << 2));
    if (token < 0 || token >= vocabulary) {
      memory.fill(y + (<usize>start << 2), 0, <usize>(end - start) << 2);
    } else {
      const group = weight + packedGroupBytes(type, width) * (token >> 3);
      for (let k = start; k < end; k++) {
        store<f32>(y + (<usize>k << 2), element(type, group, token & 7, k) * scale);
      }
    }
    y += yStride;
  }
}

/** Element `k` of row `lane` of a packed group. */
@inline
function element(type: PackedType, group: usize, lane: i32, k: i32): f32 {
  const lane2 = <usize>lane << 1;
  if (type == PackedType.F32) return load<f32>(group + (<usize>k << 5) + (lane2 << 1));
  if (type == PackedType.F16) return half(group + (<usize>k << 4) + lane2);
  if (type == PackedType.BF16) {
    return reinterpret<f32>(<u32>load<u16>(group + (<usize>k << 4) + lane2) << 16);
  }
  return isPlanes(type) ? planesElement(type, group, lane, k) : quantized(type, group, lane, k);
}

function quantized(type: PackedType, group: usize, lane: i32, k: i32): f32 {
  const within = <usize>(k & 31);
  const lane2 = <usize>lane << 1;
  if (type == PackedType.Q8_0) {
    const block = group + <usize>(k >> 5) * 272;
    const q = load<i8>(block + 16 + ((within >> 2) << 5) + (lane2 << 1) + (within & 3));
    return half(block + lane2) * <f32>q;
  }
  const affine = type == PackedType.Q4_1;
  const block = group + <usize>(k >> 5) * (affine ? 160 : 144);
  const pair = load<u8>(block + (affine ? 32 : 16) + ((within >> 3) << 5) + (lane2 << 1) + (within & 3));
  const q = (within & 4) != 0 ? pair >> 4 : pair & 15;
  const scale = half(block + lane2);
  return affine ? scale * <f32>q + half(block + 16 + lane2) : scale * <f32>(<i32>q - 8);
}
