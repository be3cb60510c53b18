/** Bytes that decode to small finite weights, quickly. */
import { DTYPES, type TensorSpec } from "@millet/core/tensor";

const NOISE = Uint8Array.from({ length: 1 << 16 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) >>> 24);

/** Fills `target` with a tensor's bytes from `offset` on: noise, with plain scales at the blocks' starts. */
export function rawBytes({ dtype }: TensorSpec, offset: number, target: Uint8Array): void {
  if (dtype === "f32") {
    new Float32Array(target.buffer, target.byteOffset, target.byteLength / 4).fill(1);
    return;
  }
  for (let i = 0; i < target.length; i += NOISE.length) {
    target.set(NOISE.subarray(0, Math.min(NOISE.length, target.length - i)), i);
  }
  const { blockBytes, quantized } = DTYPES[dtype];
  const first = (blockBytes - (offset % blockBytes)) % blockBytes;
  const halves = quantized ? (dtype === "q4_1" ? 2 : 1) : blockBytes / 2;
  for (let block = first; block + blockBytes <= target.length; block += blockBytes) {
    for (let h = 0; h < halves; h++) {
      target[block + 2 * h] = 0;
      target[block + 2 * h + 1] = h % 2 === 0 ? 0x1c : 0x9c; // 2^-8 and its negative
    }
  }
}
