/** Tables of rotations for RoPE, which backends compute once per call on the host and hand to kernels. */
import type { RopeAttrs } from "./rope.js";

/**
 * Writes cos[pairs], then sin[pairs] for each row, times the magnitude. Angles are computed in float64, so that they are
 * exact at large positions.
 * @param target f32[rows, 2, pairs]
 */
export function fillRotationTable(target: Float32Array, rope: RopeAttrs, positions: Int32Array): void {
  const { inverseFrequencies, magnitude } = rope;
  const pairs = inverseFrequencies.length;
  positions.forEach((position, row) => {
    for (let i = 0; i < pairs; i++) {
      const angle = position * inverseFrequencies[i]!;
      target[2 * row * pairs + i] = Math.cos(angle) * magnitude;
      target[(2 * row + 1) * pairs + i] = Math.sin(angle) * magnitude;
    }
  });
}

/** Whether two rotations have the same table at the same positions. */
export function sameRotation(a: RopeAttrs, b: RopeAttrs): boolean {
  if (a.magnitude !== b.magnitude) return false;
  const [x, y] = [a.inverseFrequencies, b.inverseFrequencies];
  return x === y || (x.length === y.length && x.every((frequency, i) => frequency === y[i]));
}
