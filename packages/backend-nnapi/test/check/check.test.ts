/** checkNnapi: each rule's cases, through a written file; what a report says; the list of operators. */
import { describe, expect, test } from "vitest";
import { checkModel, checkNnapi } from "../../src/check/check.js";
import { NNAPI_OPS } from "../../src/check/ops.js";
import { NNAPI_RULES } from "../../src/check/rules/index.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { model, node, value } from "../support/graphs.js";
import { RULE_CASES } from "./cases.js";

const broken = (report: ReturnType<typeof checkModel>) => report.nodes.filter(({ supported }) => !supported);

describe("the rules", () => {
  test("have cases, all of them, by unique names", () => {
    const names = NNAPI_RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(RULE_CASES.map(({ rule }) => rule))).toEqual(new Set(names));
  });

  test("speak of operators that the provider knows", () => {
    const spoken = NNAPI_RULES.flatMap(({ ops }) => (ops === "all" ? [] : ops));
    expect(spoken.filter((op) => !Object.hasOwn(NNAPI_OPS, op))).toEqual([]);
  });

  test.each(RULE_CASES)("$rule: a graph that keeps it", ({ rule, pass, apiLevel }) => {
    expect(broken(checkModel(pass, { apiLevel }))).toEqual([]);
    const ops = NNAPI_RULES.find(({ name }) => name === rule)?.ops ?? [];
    const spoken = pass.graph.nodes.filter(({ opType }) => ops === "all" || ops.includes(opType));
    expect(spoken.length).toBeGreaterThan(0);
  });

  test.each(RULE_CASES)("$rule: a graph that breaks it", ({ rule, fail, apiLevel }) => {
    const nodes = broken(checkModel(fail, { apiLevel }));
    expect(nodes.map((report) => report.rule)).toEqual([rule]);
    expect(nodes[0]?.name).toMatch(/_/);
    expect(nodes[0]?.problem).toMatch(/\.$/);
    expect(nodes[0]?.fix).toMatch(/\.$/);
  });
});

describe("a report", () => {
  const mixed = model({
    inputs: [value("x", [2, 4])],
    outputs: [value("y", [2, 4])],
    values: ["a", "b", "c"].map((name) => value(name, [2, 4])),
    nodes: [
      node("Relu", ["x"], ["a"]),
      node("Erf", ["a"], ["b"]),
      node("Sigmoid", ["b"], ["c"]),
      node("Add", ["c", "a"], ["y"]),
    ],
  });

  test("reads a file, counts partitions and names what stays on the CPU", async () => {
    const report = checkNnapi(await writeOnnx(mixed).bytes(), { apiLevel: 30 });
    expect(report.partitions).toEqual([["Relu_a"], ["Sigmoid_c", "Add_y"]]);
    expect(String(report)).toBe(
      "NNAPI at Android API level 30: 3 of 4 nodes in 2 partitions\n" +
        "Erf_b (Erf) stays on the CPU, known-op: NNAPI has no Erf. Use the tanh form of GELU.",
    );
  });

  test("of something that is no ONNX file fails with a typed error", () => {
    expect(() => checkNnapi(new TextEncoder().encode("not a model"))).toThrow(
      expect.objectContaining({ code: "ONNX_MALFORMED" }),
    );
  });
});
