/** Cases of the elementwise ops (add, gelu, soft_cap, swiglu and so on): one shape list for all. */
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

interface Variant<Attrs> {
  readonly attrs: Attrs;
  /** Tells it from the op's other cases. */
  readonly label?: string;
  /** Of the values; 12 unless given, which reaches far out, where silu and others must not overflow. */
  readonly scale?: number;
}

/** Cases of an elementwise op of one or two operands. */
export function elementwiseCases<Attrs>(
  def: OpDef<string, Attrs>,
  operands: 1 | 2,
  { attrs, label, scale = 12 }: Variant<Attrs>,
): OpCase[] {
  return SHAPES.map(([rows, columns, calls]) => {
    const name = `${def.op} f32[${rows}, ${columns}]${label === undefined ? "" : `, ${label}`}`;
    return opCase(name, { tolerance: 1e-12 }, (builder) => {
      const names = ["x", "y"].slice(0, operands);
      const inputs = names.map((name) => builder.input(name, "f32", [rows, columns]));
      return {
        graph: builder.emit(def, inputs, attrs),
        calls: calls.map((active) =>
          Object.fromEntries(names.map((name) => [name, builder.floats([active, columns], scale)])),
        ),
      };
    });
  });
}
