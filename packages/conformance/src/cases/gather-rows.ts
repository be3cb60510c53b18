/** Cases of gather_rows: none, one, all, repeated, out of order. */
import { gatherRows } from "@millet/core/ops";
import { ints, type OpCase, opCase } from "../case.js";

export const gatherRowsCases: readonly OpCase[] = [1, 33, 64].map((columns) =>
  opCase(`gather_rows of f32[9, ${columns}]`, { tolerance: 0 }, (builder) => {
    const x = builder.input("x", "f32", [9, columns]);
    const rows = builder.input("rows", "i32", [12], "logits");
    return {
      graph: builder.emit(gatherRows, [x, rows], {}),
      calls: [
        { active: 9, picked: [8, 0, 4, 4, 1, 2, 3, 5, 6, 7, 8, 0] },
        { active: 1, picked: [0] },
        { active: 5, picked: [] },
      ].map(({ active, picked }) => ({ x: builder.floats([active, columns]), rows: ints(picked) })),
    };
  }),
);
