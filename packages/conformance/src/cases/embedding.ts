/** Cases of embedding: every weight type; first, last and repeated rows. */
import { embedding } from "@millet/core/ops";
import { ints, type OpCase, opCase } from "../case.js";
import { fitsRows, WEIGHT_TYPES } from "../weight-types.js";

const SHAPES = [
  { vocabulary: 97, hidden: 64, scale: 1 },
  { vocabulary: 13, hidden: 32, scale: 8 },
  { vocabulary: 5, hidden: 19, scale: 1 },
  { vocabulary: 7, hidden: 256, scale: 1 },
  { vocabulary: 29, hidden: 768, scale: 8 },
];

/** Rows come out as the weight's exact values, except that a backend may round a scaled one once more. */
export const embeddingCases: readonly OpCase[] = WEIGHT_TYPES.flatMap((dtype) =>
  SHAPES.filter(({ hidden }) => fitsRows(dtype, hidden)).map(({ vocabulary, hidden, scale }) =>
    opCase(`embedding ${dtype}[${vocabulary}, ${hidden}] x ${scale}`, { tolerance: 1e-12 }, (builder) => {
      const weight = builder.weight("w", dtype, [vocabulary, hidden], 1);
      const tokens = builder.input("tokens", "i32", [6]);
      return {
        graph: builder.emit(embedding, [weight, tokens], { scale }),
        calls: [[0, vocabulary - 1, 3, 3, 2, 1], [vocabulary - 1], []].map((ids) => ({ tokens: ints(ids) })),
      };
    }),
  ),
);
