/** gatherEarly: the same outputs from fewer rows, and nothing moved that something else needs whole. */
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import { type Graph, GraphBuilder, type Value } from "../../src/graph/index.js";
import { gatherEarly } from "../../src/lower/index.js";
import { add, embedding, gatherRows, linear, opOf, rmsNorm, rope, swiglu } from "../../src/ops/index.js";
import { type HostTensor, tensorOf } from "../../src/tensor/index.js";

const [TOKENS, WIDTH, ROWS] = [5, 8, 2];
const f32 = (...shape: number[]) => ({ dtype: "f32" as const, shape });
const i32 = (...shape: number[]) => ({ dtype: "i32" as const, shape });
const random = new Random(7);
const normals = (...shape: number[]): HostTensor =>
  tensorOf("f32", shape, random.normals(shape.reduce((a, b) => a * b, 1)));

const DATA: Readonly<Record<string, HostTensor>> = {
  x: normals(TOKENS, WIDTH),
  positions: tensorOf("i32", [TOKENS], Int32Array.of(0, 1, 2, 3, 4)),
  rows: tensorOf("i32", [ROWS], Int32Array.of(4, 1)),
  a: normals(WIDTH, WIDTH),
  b: normals(WIDTH, WIDTH),
  table: normals(TOKENS, WIDTH),
  norm: normals(WIDTH),
};

class Sketch {
  readonly builder = new GraphBuilder("sketch");
  readonly x = this.builder.input("x", f32(TOKENS, WIDTH), "tokens");
  readonly positions = this.builder.input("positions", i32(TOKENS), "tokens");
  readonly rows = this.builder.input("rows", i32(ROWS), "logits");

  linear(x: Value, name: string): Value {
    return this.builder.emitOne(linear, [x, this.builder.weight(name, f32(WIDTH, WIDTH))], {});
  }

  norm(x: Value): Value {
    return this.builder.emitOne(rmsNorm, [x, this.builder.weight("norm", f32(WIDTH))], { epsilon: 1e-5 });
  }

  chosen(x: Value): Value {
    return this.builder.emitOne(gatherRows, [x, this.rows], {});
  }

  /** An op that looks at more than a row of x. */
  rotated(x: Value): Value {
    const attrs = { heads: 1, headDim: WIDTH, interleaved: true, inverseFrequencies: [1], magnitude: 1 };
    return this.builder.emitOne(rope, [x, this.positions], attrs);
  }

  /** x + b(swiglu(norm(x) a, norm(x) b)) */
  feedForward(x: Value): Value {
    const h = this.norm(x);
    const gated = this.builder.emitOne(swiglu, [this.linear(h, "a"), this.linear(h, "b")], {});
    return this.builder.emitOne(add, [x, this.linear(gated, "b")], {});
  }
}

function evaluate(graph: Graph): Record<string, HostTensor> {
  const values = new Map<Value, HostTensor>();
  for (const [name, value] of [...Object.entries(graph.inputs), ...Object.entries(graph.weights)])
    values.set(value, DATA[name]!);
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => values.get(value)!);
    const outputs = opOf(node).reference(inputs, node.attrs, undefined);
    node.outputs.forEach((value, i) => values.set(value, outputs[i]!));
  }
  return Object.fromEntries(Object.entries(graph.outputs).map(([name, value]) => [name, values.get(value)!]));
}

/** Each op with the most rows that it computes. */
const work = (graph: Graph) => graph.nodes.map(({ op, outputs }) => `${op} ${outputs[0]!.spec.shape[0]}`);

describe("gatherEarly", () => {
  test("a feed-forward whose input something else reads whole", () => {
    const sketch = new Sketch();
    const whole = sketch.rotated(sketch.x);
    const graph = sketch.builder.finish({ out: sketch.chosen(sketch.feedForward(whole)) });
    const early = gatherEarly(graph);
    expect(work(early)).toEqual([
      `rope ${TOKENS}`,
      `gather_rows ${ROWS}`,
      ...["rms_norm", "linear", "linear", "swiglu", "linear", "add"].map((op) => `${op} ${ROWS}`),
    ]);
    expect(early.outputs.out?.rowAxis).toBe("logits");
    expect(evaluate(early)).toEqual(evaluate(graph));
  });

  test("of several layers, what the last op that needs all rows does not read", () => {
    const sketch = new Sketch();
    const first = sketch.feedForward(sketch.x);
    const mixed = sketch.builder.emitOne(add, [first, sketch.linear(sketch.rotated(first), "a")], {});
    const graph = sketch.builder.finish({ out: sketch.chosen(sketch.feedForward(mixed)) });
    const early = gatherEarly(graph);
    expect(work(early).filter((text) => text.startsWith("gather_rows"))).toHaveLength(2);
    expect(work(early).filter((text) => text === `linear ${TOKENS}`)).toHaveLength(3);
    expect(work(early).filter((text) => text === `linear ${ROWS}`)).toHaveLength(4);
    expect(evaluate(early)).toEqual(evaluate(graph));
  });

  test("what is an output as well stays", () => {
    const sketch = new Sketch();
    const all = sketch.feedForward(sketch.x);
    const graph = sketch.builder.finish({ all, out: sketch.linear(sketch.chosen(all), "a") });
    expect(gatherEarly(graph)).toBe(graph);
  });

  test("an embedding stays: its rows are chosen by tokens", () => {
    const sketch = new Sketch();
    const table = sketch.builder.weight("table", f32(TOKENS, WIDTH));
    const x = sketch.builder.emitOne(embedding, [table, sketch.positions], { scale: 1 });
    const graph = sketch.builder.finish({ out: sketch.chosen(x) });
    expect(gatherEarly(graph)).toBe(graph);
  });

  test("a value chosen twice is computed once; two choices of rows are kept apart", () => {
    const sketch = new Sketch();
    const y = sketch.linear(sketch.x, "a");
    const twice = sketch.builder.emitOne(add, [sketch.chosen(y), sketch.chosen(y)], {});
    const once = sketch.builder.finish({ twice });
    expect(work(gatherEarly(once))).toEqual([`gather_rows ${ROWS}`, `linear ${ROWS}`, `add ${ROWS}`]);
    expect(evaluate(gatherEarly(once))).toEqual(evaluate(once));

    const apart = new Sketch();
    const other = apart.builder.input("other", i32(ROWS), "logits");
    const z = apart.linear(apart.x, "a");
    const out = apart.builder.emitOne(gatherRows, [z, other], {});
    const graph = apart.builder.finish({ mine: apart.chosen(z), out });
    expect(gatherEarly(graph)).toBe(graph);
  });
});
