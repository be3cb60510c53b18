/** rope: rotary position embedding (Su et al. 2021, arXiv 2104.09864). */
import type { OpDef } from "../graph/op.js";
import { viewAs } from "../tensor/tensor.js";
import { checkArity, checkIndices, checkMatrix, checkOp } from "./check.js";
import { matrixOf, newMatrix } from "./rows.js";

/**
 * How heads are rotated. Every scaling scheme (linear, Llama 3, YaRN, LongRoPE) is expressed in the frequencies,
 * so that a backend needs to know none of them.
 */
export interface RopeAttrs {
  /** Radians per position of each rotated pair; twice their number is the rotated part of a head. [rotaryDim / 2] */
  readonly inverseFrequencies: readonly number[];
  /** true: pairs are (2i, 2i + 1), as in llama-type GGUF; false: (i, i + rotaryDim / 2), as in Hugging Face files. */
  readonly interleaved: boolean;
  /** Factor on cosine and sine (YaRN's and LongRoPE's attention factor); 1 for most. */
  readonly magnitude: number;
}

export interface RopeOpAttrs extends RopeAttrs {
  readonly heads: number;
  readonly headDim: number;
}

/** Inputs: x f32[T, heads * headDim], positions i32[T]. Output: as x. Elements past the rotated part pass through. */
export const rope: OpDef<"rope", RopeOpAttrs> = {
  op: "rope",
  infer(inputs, { heads, headDim, inverseFrequencies }) {
    checkArity("rope", inputs, 2);
    const [rows, columns] = checkMatrix("rope", inputs, 0);
    checkOp(columns === heads * headDim, "rope", `x must have ${heads} x ${headDim} columns`, inputs);
    checkOp(inverseFrequencies.length * 2 <= headDim, "rope", "more is rotated than a head holds", inputs);
    checkIndices("rope", inputs, 1, rows);
    return [inputs[0]!];
  },
  reference([x, positions], attrs) {
    const { rows, columns, values } = matrixOf(x!);
    const at = viewAs(positions!, "i32");
    const out = newMatrix(rows, columns);
    out.values.set(values);
    for (let t = 0; t < rows; t++) {
      for (let h = 0; h < attrs.heads; h++) {
        const start = t * columns + h * attrs.headDim;
        rotate(out.values.subarray(start, start + attrs.headDim), at[t]!, attrs);
      }
    }
    return [out.tensor];
  },
};

/** Rotates one head in place. */
function rotate(head: Float32Array, position: number, attrs: RopeAttrs): void {
  const { inverseFrequencies, interleaved, magnitude } = attrs;
  inverseFrequencies.forEach((frequency, i) => {
    const a = interleaved ? 2 * i : i;
    const b = interleaved ? 2 * i + 1 : i + inverseFrequencies.length;
    const cos = Math.cos(position * frequency) * magnitude;
    const sin = Math.sin(position * frequency) * magnitude;
    const [x, y] = [head[a]!, head[b]!];
    head[a] = x * cos - y * sin;
    head[b] = x * sin + y * cos;
  });
}

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
