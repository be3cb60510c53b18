/** Partitions: how the graph falls apart, by hand-made graphs. */
import { expect, test } from "vitest";
import { partition } from "../../src/check/partitions.js";
import type { OnnxNode } from "../../src/onnx/model.js";
import { model, node } from "../support/graphs.js";

/** "a b > c" is a node of operator c's first letter: small letters are supported, capitals are not. */
function parts(...lines: readonly string[]): string[] {
  const nodes = lines.map((line) => {
    const [inputs, output] = line.split(">").map((side) => side.trim());
    return node(output!, inputs!.split(" ").filter(Boolean), [output!]);
  });
  const supported = ({ opType }: OnnxNode) => opType === opType.toLowerCase();
  return partition(model({ nodes }).graph, supported).map((part) =>
    part.map(({ opType }) => opType).join(" "),
  );
}

test.each([
  { name: "a chain without a gap is one", lines: ["x > a", "a > b", "b > c"], expected: ["a b c"] },
  { name: "a gap in a chain makes two", lines: ["x > a", "a > B", "B > c"], expected: ["a", "c"] },
  {
    name: "a gap beside the chain makes one",
    lines: ["x > a", "x > B", "a B > c"],
    expected: ["a c"],
  },
  {
    name: "branches of one input are one",
    lines: ["x > a", "x > b", "a b > c"],
    expected: ["a b c"],
  },
  {
    name: "a residual around a gap makes two, not a cycle",
    lines: ["x > a", "a > B", "a B > c", "c > d"],
    expected: ["a", "c d"],
  },
  {
    name: "two gaps at the same depth cost one cut",
    lines: ["x > a", "a > B", "a > C", "B > d", "C > e", "d e > f"],
    expected: ["a", "d e f"],
  },
  { name: "nothing supported is none", lines: ["x > A", "A > B"], expected: [] },
])("$name", ({ lines, expected }) => {
  expect(parts(...lines)).toEqual(expected);
});
