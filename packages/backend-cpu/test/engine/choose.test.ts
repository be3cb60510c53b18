/** Which engine serves graphs whose weight types the preferred one does not multiply. */
import { GraphBuilder } from "@millet/core/graph";
import { linear } from "@millet/core/ops";
import type { DType } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { choiceFor, chooseEngine, type EngineChoice } from "../../src/engine/choose.js";

function graphOf(dtype: DType) {
  const builder = new GraphBuilder("layer");
  const x = builder.input("x", { dtype: "f32", shape: [1, 256] }, "tokens");
  const weight = builder.weight("w", { dtype, shape: [8, 256] });
  return { layer: builder.finish({ y: builder.emitOne(linear, [x, weight], {}) }) };
}

const wasm = chooseEngine({ engine: "wasm", threads: 1 });
const narrow: EngineChoice = { ...wasm, name: "native", weightTypes: new Set<DType>(["q4_0"]) };

test("the preferred engine serves what it multiplies", () => {
  const choice = { ...narrow, fallback: () => wasm };
  expect(choiceFor(graphOf("q4_0"), choice)).toBe(choice);
});

test("another type falls to the other engine, which says why", () => {
  const { name, limitations } = choiceFor(graphOf("q6_k"), { ...narrow, fallback: () => wasm });
  expect(name).toBe("wasm");
  expect(limitations[0]).toBe("The native engine does not multiply q6_k; wasm serves instead.");
});

test("an engine that was asked for by name has no fallback", () => {
  expect(choiceFor(graphOf("q6_k"), narrow)).toBe(narrow);
});
