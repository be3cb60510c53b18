/** Lowering: decomposition keeps meaning, the memory plan never lets live values overlap. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Graph, GraphBuilder, type Value } from "../../src/graph/index.js";
import { decompose, lifetimes, planMemory } from "../../src/lower/index.js";
import { add, attention, geglu, silu, swiglu } from "../../src/ops/index.js";

const f32 = (...shape: number[]) => ({ dtype: "f32" as const, shape });

describe("decompose", () => {
  const gated = () => {
    const builder = new GraphBuilder("gated");
    const [gate, up] = [builder.input("gate", f32(2, 4), "tokens"), builder.input("up", f32(2, 4), "tokens")];
    return builder.finish({ out: builder.emitOne(swiglu, [gate, up], {}) });
  };

  test("gives back the same graph where everything is supported", () => {
    const graph = gated();
    expect(decompose(graph, () => true)).toBe(graph);
  });

  test("replaces what is not supported", () => {
    const graph = decompose(gated(), (node) => node.op !== "swiglu");
    expect(graph.nodes.map((node) => node.op)).toEqual(["silu", "mul"]);
    expect(graph.outputs.out?.rowAxis).toBe("tokens");
  });

  test("hands attributes on", () => {
    const builder = new GraphBuilder("g");
    const [gate, up] = [builder.input("gate", f32(2, 4)), builder.input("up", f32(2, 4))];
    const out = builder.emitOne(geglu, [gate, up], { approximation: "tanh" });
    const graph = decompose(builder.finish({ out }), (node) => node.op !== "geglu");
    expect(graph.nodes.map(({ op, attrs }) => [op, attrs])).toEqual([
      ["gelu", { approximation: "tanh" }],
      ["mul", {}],
    ]);
  });

  test("takes RoPE out of attention", () => {
    const builder = new GraphBuilder("a");
    const tokens = (name: string, columns: number) => builder.input(name, f32(1, columns), "tokens");
    const indices = ["positions", "sequences", "writeRows"].map((name) =>
      builder.input(name, { dtype: "i32", shape: [1] }, "tokens"),
    );
    const table = builder.input("blockTable", { dtype: "i32", shape: [1, 1] });
    const lengths = builder.input("lengths", { dtype: "i32", shape: [1] });
    const rope = { inverseFrequencies: [1], interleaved: true, magnitude: 1 };
    const attrs = { layer: 0, heads: 2, kvHeads: 1, headDim: 2, valueDim: 2, scale: 1, causal: true, rope };
    const qkv = [tokens("q", 4), tokens("k", 2), tokens("v", 2)];
    const out = builder.emitOne(attention, [...qkv, ...indices, table, lengths], attrs);
    const graph = builder.finish({ out });
    const hasRope = (attrs: unknown) => typeof attrs === "object" && attrs !== null && "rope" in attrs;
    const lowered = decompose(graph, (node) => node.op !== "attention" || !hasRope(node.attrs));
    expect(lowered.nodes.map((node) => node.op)).toEqual(["rope", "rope", "attention"]);
  });

  test("names the node that cannot be made simpler", () => {
    expect(() => decompose(gated(), () => false)).toThrow(
      expect.objectContaining({ code: "GRAPH_UNSUPPORTED_OP", message: expect.stringContaining("silu") }),
    );
  });
});

/** A random graph of adds and silus whose values differ in size. */
const randomGraph = fc
  .array(fc.record({ a: fc.nat(), b: fc.nat(), unary: fc.boolean(), output: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps): Graph => {
    const builder = new GraphBuilder("random");
    const values: Value[] = [builder.input("x", f32(1, 8), "tokens")];
    const outputs: Record<string, Value> = {};
    for (const { a, b, unary, output } of steps) {
      const [x, y] = [values[a % values.length]!, values[b % values.length]!];
      const value = unary ? builder.emitOne(silu, [x], {}) : builder.emitOne(add, [x, y], {});
      values.push(value);
      if (output) outputs[value.name] = value;
    }
    return builder.finish(outputs);
  });

describe("planMemory", () => {
  test("never lets two live values share a byte", () => {
    fc.assert(
      fc.property(randomGraph, (graph) => {
        const size = (value: Value) => 1 + ((value.id * 37) % 200);
        const { offsets, byteLength } = planMemory(graph, size, 16);
        const spans = [...lifetimes(graph)].map(([value, life]) => {
          const start = offsets.get(value)!;
          return { ...life, start, end: start + size(value) };
        });
        for (const a of spans) {
          expect(a.start % 16).toBe(0);
          expect(a.end).toBeLessThanOrEqual(byteLength);
          for (const b of spans) {
            if (a === b || a.first > b.last || b.first > a.last) continue;
            expect(a.end <= b.start || b.end <= a.start).toBe(true);
          }
        }
      }),
    );
  });

  test("reuses memory along a chain", () => {
    const builder = new GraphBuilder("chain");
    let x = builder.input("x", f32(1, 4), "tokens");
    for (let i = 0; i < 10; i++) x = builder.emitOne(silu, [x], {});
    const plan = planMemory(builder.finish({ x }), () => 16, 16);
    expect(plan.byteLength).toBe(32);
  });
});
