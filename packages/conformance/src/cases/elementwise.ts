/** Cases of add, mul, silu and swiglu: one shape list for all. */
import type { OpDef } from "@millet/core/graph";
import { type OpCase, opCase } from "../case.js";

/** [most rows, columns, rows of each call] */
const SHAPES = [
  [1, 1, [1]],
  [1, 576, [1]],
  [3, 7, [3, 1]],
  [5, 33, [5, 0, 2]],
  [129, 64, [129, 128, 1]],
] as const;

type Elementwise = OpDef<string, Readonly<Record<never, never>>>;

/** Cases of an elementwise op of one or two operands. Values reach far out, where silu must not overflow. */
export function elementwiseCases(def: Elementwise, operands: 1 | 2, tolerance = 1e-12): OpCase[] {
  return SHAPES.map(([rows, columns, calls]) =>
    opCase(`${def.op} f32[${rows}, ${columns}]`, { tolerance }, (builder) => {
      const names = ["x", "y"].slice(0, operands);
      const inputs = names.map((name) => builder.input(name, "f32", [rows, columns]));
      return {
        graph: builder.emit(def, inputs, {}),
        calls: calls.map((active) =>
          Object.fromEntries(names.map((name) => [name, builder.floats([active, columns], 12)])),
        ),
      };
    }),
  );
}
