/** Scratch slots are shared by values whose lives do not meet, and by no others. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { planSlots } from "../../src/lower/slots.js";
import type { Dispatch } from "../../src/program/dispatch.js";

function dispatchOn(slots: readonly number[]): Dispatch {
  return {
    kernel: { name: "test", code: "", access: [] },
    label: "",
    operands: slots.map((slot) => ({ space: "scratch", slot })),
    params: [],
    grid: () => [1, 1, 1],
    weightBytes: 0,
  };
}

const slot = (byteLength: number, kind?: "input" | "output") => ({
  byteLength,
  isInput: kind === "input",
  isOutput: kind === "output",
});

test("a chain of values needs two slots", () => {
  const dispatches = [
    [0, 1],
    [1, 2],
    [2, 3],
    [3, 4],
  ].map(dispatchOn);
  const { byteLengths } = planSlots(
    [100, 200, 50, 300, 10].map((size) => slot(size)),
    dispatches,
  );
  expect(byteLengths).toHaveLength(2);
});

test("outputs are never written over, inputs not before their use", () => {
  const dispatches = [
    [1, 2],
    [2, 3],
    [3, 4],
    [0, 5],
  ].map(dispatchOn);
  const slots = [slot(16, "input"), slot(16, "input"), slot(16, "output"), slot(16), slot(16), slot(16)];
  const { assigned } = planSlots(slots, dispatches);
  for (const other of [1, 3, 4]) expect(assigned[0]).not.toBe(assigned[other]);
  for (const other of [3, 4, 5]) expect(assigned[2]).not.toBe(assigned[other]);
});

test("values that live at the same time never share", () => {
  const program = fc.array(fc.uniqueArray(fc.nat(7), { minLength: 1, maxLength: 4 }), { maxLength: 12 });
  const kinds = fc.array(fc.constantFrom(undefined, "input" as const, "output" as const), {
    minLength: 8,
    maxLength: 8,
  });
  fc.assert(
    fc.property(program, kinds, (operands, kindOf) => {
      const slots = kindOf.map((kind, i) => slot(16 * (i + 1), kind));
      const { assigned, byteLengths } = planSlots(slots, operands.map(dispatchOn));
      const lives = slots.map(({ isInput, isOutput }, id) => {
        const uses = operands.flatMap((list, i) => (list.includes(id) ? [i] : []));
        if (uses.length === 0 && !isInput && !isOutput) return undefined;
        return [isInput ? -1 : (uses[0] ?? -1), isOutput ? operands.length : (uses.at(-1) ?? -1)] as const;
      });
      lives.forEach((life, a) => {
        expect(byteLengths[assigned[a]!]).toBeGreaterThanOrEqual(slots[a]!.byteLength);
        lives.slice(0, a).forEach((other, b) => {
          const meet = life && other && life[0] <= other[1] && other[0] <= life[1];
          if (meet) expect(assigned[a], `${a} and ${b}`).not.toBe(assigned[b]);
        });
      });
    }),
  );
});
