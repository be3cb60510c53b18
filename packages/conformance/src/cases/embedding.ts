/** Cases of embedding: every weight type; first, last and repeated rows. */
import { embedding } from "@millet/core/ops";
import type { DType } from "@millet/core/tensor";
import { ints, type OpCase, opCase } from "../case.js";

/** Rows come out as the weight's exact values, except that a backend may round a scaled one once more. */
const DTYPES: readonly DType[] = ["f32", "f16", "bf16", "q4_0", "q4_1", "q8_0"];

export const embeddingCases: readonly OpCase[] = DTYPES.flatMap((dtype) =>
  [
    { vocabulary: 97, hidden: 64, scale: 1 },
    { vocabulary: 13, hidden: 32, scale: 8 },
    ...(dtype === "f32" ? [{ vocabulary: 5, hidden: 19, scale: 1 }] : []),
  ].map(({ vocabulary, hidden, scale }) =>
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
