/** Programs: where threads must meet, how a graph is lowered, how a program prints. */
import { GraphBuilder, type Value } from "@millet/core/graph";
import { add, gelu, layerNorm, linear, rmsNorm, swiglu } from "@millet/core/ops";
import { describe, expect, test } from "vitest";
import { Opcode } from "../assembly/opcodes.js";
import { lowerGraph } from "../src/lower/lower.js";
import { Region } from "../src/lower/region.js";
import { placeBarriers } from "../src/program/hazards.js";
import { encodeProgram } from "../src/program/program.js";
import type { Access, Sharing, Step } from "../src/program/step.js";

const FEATURES: Sharing = { by: "features", groups: 4 };
const ALL: Sharing = { by: "all" };

function access(write: boolean, sharing: Sharing, start = 0, end = 128): Access {
  return { space: "memory", start, end, write, sharing };
}

function step(...accesses: Access[]): Step {
  return { opcode: Opcode.Add, label: "x", operands: [1, 2], accesses };
}

describe("barriers", () => {
  test.each([
    ["a read of what others wrote", access(true, FEATURES), access(false, ALL), true],
    ["a write over what others read", access(false, ALL), access(true, FEATURES), true],
    ["a write over what others wrote", access(true, ALL), access(true, FEATURES), true],
    ["the own part of the same bytes", access(true, FEATURES), access(false, FEATURES), false],
    ["another division", access(true, FEATURES), access(false, { by: "features", groups: 8 }), true],
    [
      "the same rule on other bytes that overlap",
      access(true, FEATURES),
      access(true, FEATURES, 64, 192),
      true,
    ],
    ["bytes that do not overlap", access(true, FEATURES), access(true, ALL, 128, 256), false],
    ["two reads", access(false, ALL), access(false, FEATURES), false],
    [
      "rows by the same count",
      access(true, { by: "rows", count: 16 }),
      access(false, { by: "rows", count: 16 }),
      false,
    ],
    [
      "rows by another count",
      access(true, { by: "rows", count: 16 }),
      access(false, { by: "rows", count: 32 }),
      true,
    ],
    ["private copies", access(true, { by: "private" }), access(false, { by: "private" }), false],
    ["another space", access(true, ALL), { ...access(true, ALL), space: "kv layer 0" }, false],
  ])("%s: %o %o -> %s", (_, first, second, expected) => {
    expect(placeBarriers([step(first), step(second)])).toEqual([false, expected]);
  });

  test("a barrier settles everything before it", () => {
    const [write, read] = [access(true, FEATURES), access(false, ALL)];
    expect(placeBarriers([step(write), step(read), step(read)])).toEqual([false, true, false]);
    expect(placeBarriers([step(write), step(read), step(write)])).toEqual([false, true, true]);
  });
});

describe("encoding", () => {
  test("words, offsets and text", () => {
    const program = encodeProgram("p", [step(access(true, FEATURES)), step(access(false, ALL))]);
    expect([...program.words]).toEqual([Opcode.Add, 4, 1, 2, Opcode.Add | (1 << 16), 4, 1, 2, 0, 2]);
    expect(program.offsets).toEqual([0, 16]);
    expect(String(program)).toBe(
      [
        "program p: 2 steps, 1 barriers",
        "   0 Add x [1, 2]",
        "     ---- barrier ----",
        "   1 Add x [1, 2]",
      ].join("\n"),
    );
  });
});

describe("lowering a feed-forward block", () => {
  /** x + down(swiglu(gate(norm(x)), up(norm(x)))) */
  function block(rows: number) {
    const graph = new GraphBuilder("block");
    const x = graph.input("x", { dtype: "f32", shape: [rows, 64] }, "tokens");
    const matrix = (name: string, n: number, k: number) =>
      graph.weight(name, { dtype: "q4_0", shape: [n, k] });
    const norm = graph.emitOne(rmsNorm, [x, graph.weight("norm", { dtype: "f32", shape: [64] })], {
      epsilon: 1e-5,
    });
    const gate = graph.emitOne(linear, [norm, matrix("gate", 96, 64)], {});
    const up = graph.emitOne(linear, [norm, matrix("up", 96, 64)], {});
    const mixed = graph.emitOne(swiglu, [gate, up], {});
    const down = graph.emitOne(linear, [mixed, matrix("down", 64, 96)], {});
    return graph.finish({ y: graph.emitOne(add, [x, down], {}) });
  }
  const weights = new Map([
    ["norm", 65536],
    ["gate", 66048],
    ["up", 73728],
    ["down", 81920],
  ]);
  const kv = {
    layers: 0,
    kvHeads: 1,
    headDim: 1,
    valueDim: 1,
    dtype: "f32",
    blockRows: 32,
    maxBlocks: 0,
  } as const;
  const lower = (rows: number) => lowerGraph(block(rows), weights, new Region(131072), 2, kv).program;
  const summary = (rows: number) => {
    const { steps, barriers } = lower(rows);
    return steps.map(({ opcode }, i) => `${barriers[i] ? "| " : ""}${Opcode[opcode]}`);
  };

  test("one row: every thread norms and quantizes for itself; they meet once", () => {
    expect(summary(1)).toEqual([
      ...["RmsNorm", "Quantize", "LinearQ4_0", "LinearQ4_0", "SwiGlu"],
      ...["| Quantize", "LinearQ4_0", "Add"],
    ]);
  });

  test("many rows: norms and quantization are shared, and threads meet after them", () => {
    expect(summary(64)).toEqual([
      ...["RmsNorm", "Quantize", "| LinearQ4_0", "LinearQ4_0", "SwiGlu"],
      ...["| Quantize", "| LinearQ4_0", "Add"],
    ]);
  });

  test("is the same every time", () => {
    expect(String(lower(4))).toBe(String(lower(4)));
  });
});

describe("lowering norms", () => {
  const NO_KV = {
    layers: 0,
    kvHeads: 1,
    headDim: 1,
    valueDim: 1,
    dtype: "f32",
    blockRows: 32,
    maxBlocks: 0,
  } as const;
  const NORM = { epsilon: 1e-5 };

  /** What stands between barriers where a graph of x f32[rows, 64], and weights by name, is lowered for some threads. */
  function summary(
    rows: number,
    threads: number,
    build: (graph: GraphBuilder, x: Value, weight: (name: string, ...shape: number[]) => Value) => Value,
  ): string[] {
    const graph = new GraphBuilder("norms");
    const places = new Map<string, number>();
    const x = graph.input("x", { dtype: "f32", shape: [rows, 64] }, "tokens");
    const y = build(graph, x, (name, ...shape) => {
      places.set(name, 65536 * (1 + places.size));
      return graph.weight(name, { dtype: "f32", shape });
    });
    const region = new Region(65536 * (1 + places.size));
    const { steps, barriers } = lowerGraph(graph.finish({ y }), places, region, threads, NO_KV).program;
    return steps.map(({ opcode }, i) => `${barriers[i] ? "| " : ""}${Opcode[opcode]}`);
  }

  const headNorm =
    (heads: number) =>
    (graph: GraphBuilder, x: Value, weight: (name: string, ...shape: number[]) => Value) => {
      const q = graph.emitOne(linear, [x, weight("q", 96, 64)], {});
      const normed = graph.emitOne(rmsNorm, [q, weight("norm", 96 / heads)], { ...NORM, groups: heads });
      return graph.emitOne(add, [normed, normed], {});
    };

  test("of heads wait for nobody where every thread's features are whole heads", () => {
    for (const rows of [1, 64]) {
      expect(summary(rows, 2, headNorm(4))).toEqual(["LinearF32", "RmsNorm", "Add"]);
      expect(summary(rows, 3, headNorm(4))).toEqual(["LinearF32", "| RmsNorm", "Add"]);
      expect(summary(rows, 2, headNorm(3))).toEqual(["LinearF32", "| RmsNorm", "Add"]);
    }
  });

  test("before a sum: of few rows every thread takes the mean for itself, many rows are shared", () => {
    const postNorm = (graph: GraphBuilder, x: Value, weight: (name: string, ...shape: number[]) => Value) => {
      const o = graph.emitOne(linear, [x, weight("o", 64, 64)], {});
      return graph.emitOne(add, [x, graph.emitOne(rmsNorm, [o, weight("norm", 64)], NORM)], {});
    };
    expect(summary(1, 2, postNorm)).toEqual(["LinearF32", "| RmsNorm", "Add"]);
    expect(summary(64, 2, postNorm)).toEqual(["LinearF32", "| RmsNorm", "| Add"]);
  });

  test("before linears: layer_norm of few rows is computed by every thread, like rms_norm", () => {
    const feed = (graph: GraphBuilder, x: Value, weight: (name: string, ...shape: number[]) => Value) => {
      const normed = graph.emitOne(layerNorm, [x, weight("norm", 64), weight("bias", 64)], NORM);
      const up = graph.emitOne(linear, [normed, weight("up", 96, 64), weight("up_bias", 96)], {});
      return graph.emitOne(gelu, [up], { approximation: "none" });
    };
    expect(summary(1, 2, feed)).toEqual(["LayerNorm", "LinearF32", "Add", "Gelu"]);
    expect(summary(64, 2, feed)).toEqual(["LayerNorm", "| LinearF32", "Add", "Gelu"]);
  });
});
