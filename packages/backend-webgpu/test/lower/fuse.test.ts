/** Which nodes of a graph become one group, and that groups come after what they read. */
import { type Graph, GraphBuilder, type Value } from "@millet/core/graph";
import { add, embedding, gatherRows, linear, mul, rmsNorm, swiglu } from "@millet/core/ops";
import { describe, expect, test } from "vitest";
import { type Fused, fuse } from "../../src/lower/fuse.js";

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

/** "linears q k norm": kind, weights, what is fused. */
function describeGroup(group: Fused): string {
  if (group.kind === "node") return group.node.op;
  const weights = group.linears.map(({ inputs }) => inputs[1]!.name).join(" ");
  const before = `${group.norm ? " norm" : ""}${group.gather ? " gather" : ""}`;
  return `${weights}${before}${group.finish.kind === "none" ? "" : ` ${group.finish.kind}`}`;
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
    const reads =
      group.kind === "node"
        ? group.node.inputs
        : [group.x, ...(group.finish.kind === "residual" ? [group.finish.residual] : [])];
    for (const value of reads) expect(known, value.name).toContain(value);
    if (group.kind === "node") for (const value of group.node.outputs) known.add(value);
    else {
      for (const { outputs } of group.linears) known.add(outputs[0]!);
      if (group.finish.kind !== "none") known.add(group.finish.y);
    }
  }
  for (const value of Object.values(graph.outputs)) expect(known).toContain(value);
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
    expect(groups).toEqual(["gate up norm swiglu", "down residual"]);
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
    expect(groups).toEqual(["gate up swiglu"]);
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
    ).toEqual(["rms_norm", "w"]);
    expect(
      groupsOf((graph) => {
        const h = graph.norm(graph.x);
        return { y: graph.emitOne(mul, [h, graph.linear(h, "w")], {}) };
      }),
    ).toEqual(["rms_norm", "w", "mul"]);
  });

  test("a residual that is made later waits for its node", () => {
    const groups = groupsOf((graph) => {
      const y = graph.linear(graph.x, "w");
      const later = graph.norm(graph.x);
      return { y: graph.emitOne(add, [later, y], {}) };
    });
    expect(groups).toEqual(["w", "rms_norm", "add"]);
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
