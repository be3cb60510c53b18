/** Which nodes of a graph become one group, and that groups come after what they read. */
import { type Graph, GraphBuilder, type Value } from "@millet/core/graph";
import {
  add,
  embedding,
  gatherRows,
  geglu,
  gelu,
  layerNorm,
  linear,
  mul,
  rmsNorm,
  scale,
  softCap,
  swiglu,
} from "@millet/core/ops";
import { describe, expect, test } from "vitest";
import { type Fused, fuse, type NormNode } from "../../src/lower/fuse.js";

const HIDDEN = 8;

class Builder extends GraphBuilder {
  readonly x = this.input("x", { dtype: "f32", shape: [4, HIDDEN] }, "tokens");

  linear(x: Value, name: string): Value {
    return this.emitOne(linear, [x, this.weight(name, { dtype: "f32", shape: [HIDDEN, HIDDEN] })], {});
  }

  norm(x: Value, name = "norm"): Value {
    return this.emitOne(rmsNorm, [x, this.weight(name, { dtype: "f32", shape: [HIDDEN] })], {
      epsilon: 1e-5,
    });
  }
}

/** "q k norm", "layer_norm a b": weights, or op and weights; then what is fused. */
function describeGroup(group: Fused): string {
  if (group.kind === "node") return group.node.op;
  if (group.kind === "norms") {
    const [{ op }] = group.norms as [NormNode];
    const names = group.norms.map(({ inputs }) => inputs[1]!.name).join(" ");
    return `${op} ${names}${group.gather ? " gather" : ""}${group.residual ? " residual" : ""}`;
  }
  const weights = group.linears.map(({ inputs }) => inputs[1]!.name).join(" ");
  const before = `${group.norm ? " norm" : ""}${group.gather ? " gather" : ""}`;
  const after = group.after.map(({ op }) => ` ${op}`).join("");
  return `${weights}${before}${after}${group.finish.kind === "none" ? "" : ` ${group.finish.kind}`}`;
}

function groupsOf(build: (graph: Builder) => Readonly<Record<string, Value>>): string[] {
  const builder = new Builder("test");
  const graph = builder.finish(build(builder));
  const groups = fuse(graph);
  expectOrder(graph, groups);
  return groups.map(describeGroup);
}

/** Every value is made before it is read, and all nodes are accounted for. */
function expectOrder(graph: Graph, groups: readonly Fused[]): void {
  const known = new Set<Value>([...Object.values(graph.inputs), ...Object.values(graph.weights)]);
  for (const group of groups) {
    for (const value of readsOf(group)) expect(known, value.name).toContain(value);
    for (const value of makesOf(group)) known.add(value);
  }
  for (const value of Object.values(graph.outputs)) expect(known).toContain(value);
}

function readsOf(group: Fused): readonly Value[] {
  if (group.kind === "node") return group.node.inputs;
  if (group.kind === "linears")
    return [group.x, ...(group.finish.kind === "residual" ? [group.finish.residual] : [])];
  const x = group.gather ? group.gather.inputs.slice(0, 1) : group.norms.map(({ inputs }) => inputs[0]!);
  return [...x, ...(group.residual ? [group.residual.value] : [])];
}

function makesOf(group: Fused): readonly Value[] {
  if (group.kind === "node") return group.node.outputs;
  if (group.kind === "linears")
    return group.finish.y ? [group.finish.y] : group.linears.map(({ outputs }) => outputs[0]!);
  return group.residual ? [group.residual.y] : group.norms.map(({ outputs }) => outputs[0]!);
}

describe("groups", () => {
  test("linears of one normalised input are one group with their norm", () => {
    const groups = groupsOf((graph) => {
      const h = graph.norm(graph.x);
      return { q: graph.linear(h, "q"), k: graph.linear(h, "k"), v: graph.linear(h, "v") };
    });
    expect(groups).toEqual(["q k v norm"]);
  });

  test("gate and up with their activation, down with its residual", () => {
    const groups = groupsOf((graph) => {
      const h = graph.norm(graph.x);
      const activated = graph.emitOne(swiglu, [graph.linear(h, "gate"), graph.linear(h, "up")], {});
      return { y: graph.emitOne(add, [graph.x, graph.linear(activated, "down")], {}) };
    });
    expect(groups).toEqual(["gate up norm silu gated", "down residual"]);
  });

  test("a gate that something else reads, too, is not fused", () => {
    const groups = groupsOf((graph) => {
      const [gate, up] = [graph.linear(graph.x, "gate"), graph.linear(graph.x, "up")];
      return { y: graph.emitOne(swiglu, [gate, up], {}), gate };
    });
    expect(groups).toEqual(["gate up", "swiglu"]);
  });

  test("up and gate the other way round keep their roles", () => {
    const groups = groupsOf((graph) => {
      const [up, gate] = [graph.linear(graph.x, "up"), graph.linear(graph.x, "gate")];
      return { y: graph.emitOne(swiglu, [gate, up], {}) };
    });
    expect(groups).toEqual(["gate up silu gated"]);
  });

  test("the chosen rows are normalised in the last product", () => {
    const groups = groupsOf((graph) => {
      const rows = graph.input("rows", { dtype: "i32", shape: [2] }, "logits");
      return { logits: graph.linear(graph.norm(graph.emitOne(gatherRows, [graph.x, rows], {})), "head") };
    });
    expect(groups).toEqual(["head norm gather"]);
  });

  test("a norm that is an output, or that another op reads, stands by itself", () => {
    expect(
      groupsOf((graph) => {
        const h = graph.norm(graph.x);
        return { h, y: graph.linear(h, "w") };
      }),
    ).toEqual(["rms_norm norm", "w"]);
    expect(
      groupsOf((graph) => {
        const h = graph.norm(graph.x);
        return { y: graph.emitOne(mul, [h, graph.linear(h, "w")], {}) };
      }),
    ).toEqual(["rms_norm norm", "w", "mul"]);
  });

  test("a residual that is made later waits for its node, which takes it instead", () => {
    const groups = groupsOf((graph) => {
      const y = graph.linear(graph.x, "w");
      const later = graph.norm(graph.x);
      return { y: graph.emitOne(add, [later, y], {}) };
    });
    expect(groups).toEqual(["w", "rms_norm norm residual"]);
  });

  test("what follows a product is done before it is written", () => {
    const groups = groupsOf((graph) => {
      const h = graph.emitOne(gelu, [graph.linear(graph.norm(graph.x), "up")], { approximation: "tanh" });
      const scaled = graph.emitOne(scale, [graph.linear(h, "down")], { factor: 0.5 });
      const y = graph.emitOne(add, [graph.x, scaled], {});
      return { y: graph.emitOne(softCap, [graph.linear(y, "head")], { cap: 30 }) };
    });
    expect(groups).toEqual(["up norm gelu", "down scale residual", "head soft_cap"]);
  });

  test("a function of a product that something else reads, too, stands by itself", () => {
    const groups = groupsOf((graph) => {
      const y = graph.linear(graph.x, "w");
      return { y, z: graph.emitOne(scale, [y], { factor: 2 }) };
    });
    expect(groups).toEqual(["w", "scale"]);
  });

  test("gelu as a gate", () => {
    const groups = groupsOf((graph) => {
      const [gate, up] = [graph.linear(graph.x, "gate"), graph.linear(graph.x, "up")];
      return { y: graph.emitOne(geglu, [gate, up], { approximation: "tanh" }) };
    });
    expect(groups).toEqual(["gate up gelu gated"]);
  });

  test("the norms of q and k are one dispatch, and that of heads is none of the product's", () => {
    const groups = groupsOf((graph) => {
      const h = graph.norm(graph.x);
      const heads = { epsilon: 1e-5, groups: 2 };
      const norm = (name: string, x: Value) =>
        graph.emitOne(rmsNorm, [x, graph.weight(name, { dtype: "f32", shape: [HIDDEN / 2] })], heads);
      const [q, k, v] = [graph.linear(h, "q"), graph.linear(h, "k"), graph.linear(h, "v")];
      return { q: norm("q_norm", q), k: norm("k_norm", k), v };
    });
    expect(groups).toEqual(["q k v norm", "rms_norm q_norm k_norm"]);
  });

  test("a norm after a branch adds what the branch is added to", () => {
    const groups = groupsOf((graph) => {
      const h = graph.linear(graph.norm(graph.x, "before"), "w");
      return { y: graph.emitOne(add, [graph.x, graph.norm(h, "after")], {}) };
    });
    expect(groups).toEqual(["w norm", "rms_norm after residual"]);
  });

  test("layer_norm stands by itself and takes the chosen rows", () => {
    const groups = groupsOf((graph) => {
      const rows = graph.input("rows", { dtype: "i32", shape: [2] }, "logits");
      const chosen = graph.emitOne(gatherRows, [graph.x, rows], {});
      const weight = graph.weight("norm", { dtype: "f32", shape: [HIDDEN] });
      return { y: graph.linear(graph.emitOne(layerNorm, [chosen, weight], { epsilon: 1e-5 }), "head") };
    });
    expect(groups).toEqual(["layer_norm norm gather", "head"]);
  });

  test("a product added to itself is no residual", () => {
    const groups = groupsOf((graph) => {
      const y = graph.linear(graph.x, "w");
      return { y: graph.emitOne(add, [y, y], {}) };
    });
    expect(groups).toEqual(["w", "add"]);
  });

  test("other nodes stay as they are", () => {
    const builder = new GraphBuilder("test");
    const tokens = builder.input("tokens", { dtype: "i32", shape: [4] }, "tokens");
    const table = builder.weight("table", { dtype: "f32", shape: [16, HIDDEN] });
    const graph = builder.finish({ x: builder.emitOne(embedding, [table, tokens], { scale: 1 }) });
    expect(fuse(graph).map(describeGroup)).toEqual(["embedding"]);
  });
});
