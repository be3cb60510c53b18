import { expect, test } from "vitest";
import { Pool } from "../../src/embed/pool.js";
import { admitted, type EmbedShape, planEmbedStep, type TextSize } from "../../src/embed/shape.js";
import { philox4x32 } from "../../src/generate/philox.js";

const BLOCK_ROWS = 32;

/** Numbers from 1 to `most`. */
function lengths(count: number, most: number, seed: number): number[] {
  return Array.from({ length: count }, (_, i) => 1 + (philox4x32([i, 0, 0, 0], [seed, 0])[0] % most));
}

const encoder = (steps: EmbedShape["steps"], blocksPerSequence: number, blocks: number): EmbedShape => ({
  steps,
  blocksPerSequence,
  blocks,
  wholeTexts: true,
});
const SMALL = { name: "small", tokens: 32, sequences: 4 };
const LARGE = { name: "large", tokens: 512, sequences: 32 };
const LONGEST = { name: "longest", tokens: 2048, sequences: 32 };

/** Runs texts to their end: the steps, and how many rows of each text they have. */
function run(sizes: readonly number[], shape: EmbedShape) {
  const waiting = sizes.map((length) => ({ length, done: 0 }));
  let working: { length: number; done: number }[] = [];
  const steps: { name: string; tokens: number[] }[] = [];
  while (waiting.length + working.length > 0) {
    working.push(...waiting.splice(0, admitted(working, waiting, shape, BLOCK_ROWS)));
    const held = working.reduce((sum, { length }) => sum + Math.ceil(length / BLOCK_ROWS), 0);
    expect(held).toBeLessThanOrEqual(shape.blocks);
    const { step, parts } = planEmbedStep(working, shape);
    const tokens = parts.map((part) => part.tokens);
    expect(tokens.length).toBeLessThanOrEqual(step.sequences);
    expect(tokens.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(step.tokens);
    expect(Math.min(...tokens)).toBeGreaterThan(0);
    steps.push({ name: step.name, tokens });
    for (const { text, tokens: count } of parts) text.done += count;
    if (shape.wholeTexts) expect(working.every((text) => text.done === text.length)).toBe(true);
    working = working.filter((text) => text.done < text.length);
  }
  return steps;
}

test("whole texts share steps, in the smallest graph that has room", () => {
  const shape = encoder([SMALL, LARGE], 16, 48);
  expect(run([3, 4, 5], shape)).toEqual([{ name: "small", tokens: [3, 4, 5] }]);
  expect(run([1, 1, 1, 1, 1], shape)).toEqual([{ name: "large", tokens: [1, 1, 1, 1, 1] }]);
  expect(run([400, 100, 20, 512], shape).map(({ tokens }) => tokens)).toEqual([[400, 100], [20], [512]]);
  expect(run(Array(40).fill(8), shape).map(({ tokens }) => tokens.length)).toEqual([32, 8]);
});

test("a text that fills more than a step for many has one of its own", () => {
  const shape = encoder([SMALL, LARGE, LONGEST], 64, 64);
  const steps = run([10, 600, 2000, 10], shape);
  expect(steps.map(({ name, tokens }) => [name, tokens])).toEqual([
    ["small", [10]],
    ["longest", [600]],
    ["longest", [2000]],
    ["small", [10]],
  ]);
});

test("a decoder's texts go on from step to step, and others fill the rest", () => {
  const shape = { ...encoder([{ name: "embed", tokens: 16, sequences: 4 }], 4, 4), wholeTexts: false };
  expect(run([40, 6, 6], shape).map(({ tokens }) => tokens)).toEqual([[16], [16], [8, 6, 2], [4]]);
});

test.each([1, 2, 3, 4, 5])("any texts, seed %i", (seed) => {
  run(lengths(200, 512, seed), encoder([SMALL, LARGE], 16, 48));
  run(lengths(60, 2048, seed), encoder([SMALL, LARGE, LONGEST], 64, 64));
  run(lengths(60, 128, seed), {
    ...encoder([{ name: "e", tokens: 13, sequences: 3 }], 4, 4),
    wholeTexts: false,
  });
});

test("admits the first text whatever it is, and none beyond the sequences", () => {
  const shape = encoder([SMALL], 1, 4);
  const text: TextSize = { length: 32, done: 0 };
  expect(admitted([], [text, text], shape, BLOCK_ROWS)).toBe(1);
  expect(admitted([], Array(9).fill({ length: 1, done: 0 }), shape, BLOCK_ROWS)).toBe(4);
});

test("pools", () => {
  const rows = [Float32Array.of(3, 0), Float32Array.of(0, 5), Float32Array.of(0, 1)];
  const pooled = (pooling: "mean" | "cls" | "last", normalize: boolean) => {
    const pool = new Pool(pooling, 2);
    for (const row of Pool.wanted(pooling, 0, 2, 3)) pool.add(rows[row]!);
    for (const row of Pool.wanted(pooling, 2, 1, 3)) pool.add(rows[row]!);
    return [...pool.vector(normalize)];
  };
  expect(pooled("mean", false)).toEqual([1, 2]);
  expect(pooled("cls", false)).toEqual([3, 0]);
  expect(pooled("last", false)).toEqual([0, 1]);
  expect(pooled("cls", true)).toEqual([1, 0]);
  expect(pooled("mean", true)).toEqual([Math.fround(1 / Math.sqrt(5)), Math.fround(2 / Math.sqrt(5))]);
  const zero = new Pool("last", 2);
  zero.add(new Float32Array(2));
  expect([...zero.vector(true)]).toEqual([0, 0]);
});
