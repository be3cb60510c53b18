/** One thing wrong in a layer that is otherwise right: the checker names the node, the rule and the partition that is lost. */
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { checkModel, checkNnapi, type NnapiReport } from "../../src/check/check.js";
import type { OnnxGraph, OnnxModel, OnnxTensor } from "../../src/onnx/model.js";
import { readOnnx } from "../../src/onnx/read.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { floats, int64s, node, value } from "../support/graphs.js";
import { quantizedLayer } from "../support/layer.js";

const ATTENTION = "GroupQueryAttention_mixed";
const PROJECTIONS = ["q", "k", "v", "o", "gate", "up", "down"];

/** What stays on the CPU besides attention, as "node: rule". */
function faults({ nodes }: NnapiReport): string[] {
  return nodes
    .filter(({ supported, name }) => !supported && name !== ATTENTION)
    .map(({ name, rule }) => `${name}: ${rule}`);
}

const changed = (change: (graph: OnnxGraph) => Partial<OnnxGraph>): OnnxModel => {
  const whole = quantizedLayer();
  return { ...whole, graph: { ...whole.graph, ...change(whole.graph) } };
};

/** The layer with one of its constants exchanged, or left out. */
const withConstant = (name: string, replace: (tensor: OnnxTensor) => readonly OnnxTensor[]): OnnxModel =>
  changed(({ initializers }) => {
    expect(initializers.map((tensor) => tensor.name)).toContain(name);
    return { initializers: initializers.flatMap((it) => (it.name === name ? replace(it) : [it])) };
  });

test("the layer itself is whole: two partitions, cut by attention", () => {
  const report = checkModel(quantizedLayer());
  expect(faults(report)).toEqual([]);
  expect(report.partitions).toHaveLength(2);
});

test("is the fixture that other packages' tests look at (MILLET_WRITE_FIXTURES=1 writes it)", async () => {
  const path = new URL("../../../../fixtures/onnx/quantized-layer.onnx", import.meta.url);
  const bytes = await writeOnnx(quantizedLayer()).bytes();
  if (process.env.MILLET_WRITE_FIXTURES === "1") writeFileSync(path, bytes);
  expect(Buffer.compare(readFileSync(path), bytes)).toBe(0);
});

describe.each(PROJECTIONS)("projection %s", (name) => {
  const product = `QLinearMatMul_${name}.p`;

  test("with a scale per channel", () => {
    const report = checkModel(
      withConstant(`${name}.sw`, (it) => [floats(it.name, [4], [0.5, 0.25, 0.5, 0.25])]),
    );
    expect(faults(report)).toEqual([`${product}: per-tensor-scale`]);
    expect(String(report)).toContain(`${product} (QLinearMatMul)`);
    expect(report.nodes.find((it) => it.name === product)?.problem).toContain(`"${name}.sw" has 4 values`);
    expect(report.partitions.flat()).not.toContain(product);
  });

  test("with its weights in another file", () => {
    const report = checkModel(withConstant(`${name}.w`, (it) => [{ ...it, data: "external" }]));
    expect(faults(report)).toEqual([`${product}: inline-constants`]);
  });

  test.each(["w", "sx", "zw"])("without its constant %s", (suffix) => {
    const missing = `${name}.${suffix}`;
    const report = checkModel(withConstant(missing, () => []));
    const nodes = suffix === "sx" ? [`QuantizeLinear_${name}.q`, product] : [product];
    expect(faults(report).filter((fault) => fault.endsWith(": defined-operands"))).toEqual(
      nodes.map((it) => `${it}: defined-operands`),
    );
    expect(faults(report)[0]).toBe(`${nodes[0]}: defined-operands`); // what follows has no known shape
    expect(report.nodes.find((it) => it.name === product)?.problem).toContain(`"${missing}"`);
  });
});

test("a dynamic number of rows: every node is named, and none is left for NNAPI", () => {
  const report = checkModel(
    changed(({ inputs, values }) => ({
      inputs: inputs.map((it) => ({ ...it, shape: ["tokens", 4] })),
      values: values.map((it) => ({ ...it, shape: ["tokens", 4] })),
    })),
  );
  expect(new Set(report.nodes.map(({ rule }) => rule))).toEqual(new Set(["static-shape", "known-op"]));
  expect(report.nodes.find(({ name }) => name === "Mul_a.square")?.problem).toContain(
    'Dimension 0 of "x" is dynamic (tokens)',
  );
  expect(report.partitions).toEqual([]);
});

test("an input of int64: the nodes that take it, and what follows in that type", () => {
  const report = checkModel(changed(() => ({ inputs: [value("x", [2, 4], "int64")] })));
  expect(faults(report)).toContain("Mul_a.square: data-type");
  expect(faults(report)).toContain("Add_h: data-type");
  expect(report.nodes.find(({ name }) => name === "Mul_a.square")?.problem).toContain('"x" is int64');
});

test("five dimensions in between: the reshapes to them and back", () => {
  const report = checkModel(
    changed(({ nodes, initializers }) => ({
      initializers: [...initializers, int64s("five", [1, 1, 1, 2, 4]), int64s("two", [2, 4])],
      nodes: nodes.flatMap((it) =>
        it.outputs[0] === "silu"
          ? [it, node("Reshape", ["h", "five"], ["wide"]), node("Reshape", ["wide", "two"], ["narrow"])]
          : [it],
      ),
    })),
  );
  expect(faults(report)).toEqual(["Reshape_wide: rank", "Reshape_narrow: rank"]);
});

test("a file cut within a constant is damaged, not misread", async () => {
  const bytes = await writeOnnx(quantizedLayer()).bytes();
  expect(faults(checkNnapi(bytes))).toEqual([]);
  expect(readOnnx(bytes).graph.initializers.length).toBeGreaterThan(50);
  expect(() => checkNnapi(bytes.subarray(0, bytes.byteLength - 40))).toThrow(
    expect.objectContaining({ code: "ONNX_MALFORMED" }),
  );
});
