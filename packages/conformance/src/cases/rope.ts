/** Cases of rope: both pairings, partial rotation, far positions. */
import { rope } from "@millet/core/ops";
import { ints, type OpCase, opCase } from "../case.js";

const SHAPES = [
  { heads: 1, headDim: 2, rotaryDim: 2 },
  { heads: 3, headDim: 64, rotaryDim: 64 },
  { heads: 2, headDim: 20, rotaryDim: 12 },
];

export const ropeCases: readonly OpCase[] = SHAPES.flatMap(({ heads, headDim, rotaryDim }) =>
  [true, false].map((interleaved) => {
    const name = `rope ${heads} x ${headDim}, ${rotaryDim} rotated, ${interleaved ? "interleaved" : "halves"}`;
    return opCase(name, { tolerance: 1e-11 }, (builder) => {
      const columns = heads * headDim;
      const x = builder.input("x", "f32", [4, columns]);
      const positions = builder.input("positions", "i32", [4]);
      const attrs = {
        heads,
        headDim,
        inverseFrequencies: frequencies(rotaryDim),
        interleaved,
        magnitude: 1.25,
      };
      return {
        graph: builder.emit(rope, [x, positions], attrs),
        calls: [[0, 1, 8191, 100_003], [7]].map((at) => ({
          x: builder.floats([at.length, columns]),
          positions: ints(at),
        })),
      };
    });
  }),
);

/** Frequencies of base 100000, as SmolLM2's. */
export function frequencies(rotaryDim: number): number[] {
  return Array.from({ length: rotaryDim / 2 }, (_, i) => 100_000 ** ((-2 * i) / rotaryDim));
}
