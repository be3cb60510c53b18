import { describe, expect, it } from "vitest";
import { planStep } from "../../src/generate/step-plan.js";

const limits = { tokens: 16, logits: 4, sequences: 4 };
const plan = (...pending: readonly [tokens: number, logits: number][]) =>
  planStep(
    pending.map(([tokens, logits], id) => ({ id, tokens, logits })),
    limits,
  ).map(({ work, tokens, logits }) => [work.id, tokens, logits]);

describe("planStep", () => {
  it("cuts a long prompt into chunks; only the last has logits", () => {
    expect(plan([40, 1])).toEqual([[0, 16, 0]]);
    expect(plan([16, 1])).toEqual([[0, 16, 1]]);
    expect(plan([17, 1])).toEqual([[0, 16, 0]]);
  });

  it("lets decode rows ride with a prompt's chunk", () => {
    expect(plan([40, 1], [1, 1], [1, 1])).toEqual([
      [1, 1, 1],
      [2, 1, 1],
      [0, 14, 0],
    ]);
  });

  it("fills the rest of a chunk with the next prompt", () => {
    expect(plan([10, 1], [10, 1])).toEqual([
      [0, 10, 1],
      [1, 6, 0],
    ]);
  });

  it("takes no more rows with logits than the graph gives", () => {
    expect(plan([10, 10])).toEqual([[0, 4, 4]]);
    expect(plan([10, 6], [5, 5])).toEqual([[0, 8, 4]]);
    expect(plan([5, 0], [10, 10])).toEqual([
      [0, 5, 0],
      [1, 4, 4],
    ]);
  });

  it("takes no more sequences than the graph has", () => {
    expect(plan([1, 1], [1, 1], [1, 1], [1, 0], [1, 0]).length).toBe(4);
  });
});
