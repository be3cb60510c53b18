/** What the suite takes for a choice of op sample: the reference's, or -1 where it goes beyond the candidates. */
import { reference } from "@millet/core/backend";
import { tensorOf, viewAs } from "@millet/core/tensor";
import { expect, test } from "vitest";
import { compareSamples } from "../src/compare-samples.js";
import { CASES, type Outputs, runOutputs } from "../src/index.js";

const GREEDY = 0;
const UNLIMITED = 8;

/** The outputs with another token in one row. */
function withToken(outputs: Outputs, row: number, token: number): Outputs {
  const changed = (name: string, dtype: "i32" | "f32", column: number): Outputs[string] => {
    const { spec } = outputs[name]!;
    const values = viewAs(outputs[name]!, dtype).slice();
    values[row * (spec.shape[1] ?? 1) + column] = token;
    return tensorOf(dtype, spec.shape, values);
  };
  return {
    token: changed("token", "i32", 0),
    history: changed("history", "i32", outputs.history!.spec.shape[1]! - 1),
    candidates: changed("candidates", "f32", 3),
  };
}

test("a wrong token fails, none passes where the candidates do not tell", async () => {
  const built = CASES.sample.find(({ name }) => name === "sample: 1000 tokens")!.create();
  const [expected] = await runOutputs(await reference().create(), built);
  const problem = (row: number, token: number) =>
    compareSamples(withToken(expected!, row, token), expected!, built.calls[0]!);
  const [chosen, other] = [GREEDY, UNLIMITED].map((row) => viewAs(expected!.token!, "i32")[row]!);
  expect(compareSamples(expected!, expected!, built.calls[0]!)).toBeUndefined();
  expect(problem(GREEDY, -1)).toBe(`row ${GREEDY}: token is -1, not ${chosen}`);
  expect(problem(UNLIMITED, -1)).toBeUndefined();
  expect(problem(UNLIMITED, 999 - other!)).toBe(`row ${UNLIMITED}: token is ${999 - other!}, not ${other}`);
  const half = { ...expected!, token: withToken(expected!, UNLIMITED, -1).token! };
  expect(compareSamples(half, expected!, built.calls[0]!)).toMatch(/in the candidates/);
});
