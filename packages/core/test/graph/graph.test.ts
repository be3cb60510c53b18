/** Graphs: what the builder promises and how a graph prints. */
import { describe, expect, test } from "vitest";
import { GraphBuilder } from "../../src/graph/index.js";
import { add, embedding, gatherRows, linear } from "../../src/ops/index.js";

const f32 = (...shape: number[]) => ({ dtype: "f32" as const, shape });
const i32 = (...shape: number[]) => ({ dtype: "i32" as const, shape });

function tiny() {
  const builder = new GraphBuilder("tiny");
  const table = builder.weight("table", { dtype: "q8_0", shape: [10, 32] });
  const x = builder.emitOne(embedding, [table, builder.input("tokens", i32(4), "tokens")], { scale: 1 });
  const y = builder.emitOne(add, [x, x], {});
  const rows = builder.emitOne(gatherRows, [y, builder.input("rows", i32(2), "logits")], {});
  return builder.finish({ logits: builder.emitOne(linear, [rows, table], {}) });
}

describe("GraphBuilder", () => {
  test("prints one line per input, node and output", () => {
    expect(String(tiny())).toBe(
      [
        "graph tiny {",
        "  input tokens // i32[4] by tokens",
        "  input rows // i32[2] by logits",
        "  %2 = embedding(table, tokens, scale=1) // f32[4, 32] by tokens",
        "  %3 = add(%2, %2) // f32[4, 32] by tokens",
        "  %5 = gather_rows(%3, rows) // f32[2, 32] by logits",
        "  %6 = linear(%5, table) // f32[2, 10] by logits",
        "  output logits = %6",
        "}",
      ].join("\n"),
    );
  });

  test("a weight asked for twice is one value, with one spec", () => {
    const builder = new GraphBuilder("g");
    expect(builder.weight("w", f32(2))).toBe(builder.weight("w", f32(2)));
    expect(() => builder.weight("w", f32(3))).toThrow(expect.objectContaining({ code: "GRAPH_INVALID" }));
  });

  test("refuses an input declared twice and values of another graph", () => {
    const builder = new GraphBuilder("g");
    const x = builder.input("x", f32(1, 2));
    expect(() => builder.input("x", f32(1, 2))).toThrow(/exists already/);
    const other = new GraphBuilder("other");
    expect(() => other.emit(add, [x, x], {})).toThrow(/another graph/);
  });

  test("names the op and its operands when shapes do not fit", () => {
    const builder = new GraphBuilder("g");
    const [x, w] = [builder.input("x", f32(1, 2)), builder.weight("w", f32(4, 3))];
    expect(() => builder.emit(linear, [x, w], {})).toThrow("linear(f32[1, 2], f32[4, 3])");
  });
});
