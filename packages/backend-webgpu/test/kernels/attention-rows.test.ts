/**
 * What attention promises beyond the op's result: a row's bits do not depend on what else is in the call, rows that do not
 * count leave no trace, and the cache holds what core's rounding makes of keys and values.
 */
import { normalisedError } from "@millet/conformance";
import { type KvSnapshot, roundKv, type State } from "@millet/core/backend";
import { tensorOf, viewAs } from "@millet/core/tensor";
import { describe, expect, test } from "vitest";
import { Random } from "../../../../test/support/random.js";
import { describeOnDevice } from "../support/device.js";
import { actualOf } from "./attention-run.js";
import { expectedOf, ints, type Operands, operandsOf, planOf, type Scenario } from "./attention-scenario.js";

const ATTRS = { heads: 6, kvHeads: 2, headDim: 12, valueDim: 8 };

/** Programs for few rows and for many, by their most rows. */
const PROGRAMS = { "few rows": 8, "many rows": 144 };

describeOnDevice("rows of attention", (device) => {
  describe.each(Object.entries(PROGRAMS))("%s", (_, mostRows) => {
    test("have the same bits alone, in chunks and among others", async () => {
      const rows = 90;
      const whole = { attrs: ATTRS, calls: [[rows]], mostRows: rows };
      const all = operandsOf(whole)[0]!;
      const others = operandsOf({ attrs: ATTRS, calls: [[rows]] }, 2)[0]!;
      const bits = async (sizes: readonly number[], beside: boolean) => {
        const calls = chunks(all, sizes, beside ? others : undefined);
        const scenario = { attrs: ATTRS, calls: calls.map(({ added }) => added), mostRows };
        const { outputs } = await actualOf(
          device(),
          scenario,
          calls.map(({ operands }) => operands),
        );
        const width = ATTRS.heads * ATTRS.valueDim;
        return Float32Array.from(
          outputs.flatMap((output, i) => [...output.slice(0, calls[i]!.added[0]! * width)]),
        );
      };
      const few = Array<number>(18).fill(5);
      const expected = await bits(mostRows === 8 ? few : [70, 20], false);
      expect(await bits(Array<number>(90).fill(1), false)).toEqual(expected);
      expect(
        await bits(mostRows === 8 ? [...Array<number>(29).fill(3), 1, 2] : [7, 50, 1, 32], true),
      ).toEqual(expected);
    });

    test("see nothing of rows that do not count, whatever these hold", async () => {
      const scenario: Scenario = {
        attrs: { ...ATTRS, window: 9 },
        calls: [
          [6, 1],
          [3, 2],
          [0, 5],
        ],
        mostRows,
      };
      const calls = operandsOf(scenario);
      const prepare = (state: State) => state.write(0, filled(scenario, Number.NaN));
      const { outputs } = await actualOf(device(), scenario, calls, { prepare });
      const expected = await expectedOf(scenario, calls);
      outputs.forEach((output, i) =>
        expect(normalisedError(output, expected[i]!)).toBeLessThanOrEqual(1e-10),
      );
    });

    test("that see nothing give zeros", async () => {
      const scenario: Scenario = { attrs: ATTRS, calls: [[3, 2]], mostRows };
      const calls = operandsOf(scenario).map((call) => ({ ...call, lengths: ints([3, 0]) }));
      const [output] = (await actualOf(device(), scenario, calls)).outputs;
      const [expected] = await expectedOf(scenario, calls);
      expect([...output!.slice(3 * 48)]).toEqual(new Array(2 * 48).fill(0));
      expect(normalisedError(output!, expected!)).toBeLessThanOrEqual(1e-10);
    });

    test("attend to a context of many spans", async () => {
      const attrs = { heads: 3, kvHeads: 1, headDim: 8, valueDim: 8 };
      const scenario = { attrs, calls: [[2300], [2]], mostRows };
      const [, last] = operandsOf({ ...scenario, mostRows: 2300 });
      const prepare = (state: State) => state.write(0, filled(scenario));
      const { outputs } = await actualOf(device(), scenario, [last!], { prepare });
      const expected = await expectedOf(scenario, [last!], prepare);
      expect(normalisedError(outputs[0]!, expected[0]!)).toBeLessThanOrEqual(1e-10);
    });
  });

  test.each(Object.values(PROGRAMS))("subnormal halves count, at most %i rows", async (mostRows) => {
    const scenario: Scenario = { attrs: ATTRS, calls: [[7]], dtype: "f16", mostRows };
    const calls = operandsOf(scenario).map((call) => {
      const tiny = viewAs(call.v, "f32").map((x) => x * 2 ** -20);
      return { ...call, v: tensorOf("f32", call.v.spec.shape, tiny) };
    });
    const { outputs } = await actualOf(device(), scenario, calls);
    const expected = await expectedOf(scenario, calls);
    expect(normalisedError(outputs[0]!, expected[0]!)).toBeLessThanOrEqual(1e-10);
  });

  test.each(["f32", "f16", "q8_0"] as const)("are kept as core rounds them: %s", async (dtype) => {
    const attrs = { heads: 2, kvHeads: 2, headDim: 45, valueDim: 18 };
    const scenario: Scenario = { attrs, calls: [[20]], dtype };
    const given = operandsOf(scenario)[0]!;
    const k = wild([20, 2 * 45], dtype !== "f32");
    const v = wild([20, 2 * 18], dtype !== "f32");
    const { cache } = await actualOf(device(), scenario, [{ ...given, k, v }]);
    const rows = [...viewAs(given.writeRows, "i32")];
    for (const [tensor, kept, size] of [
      [k, cache.keys, 45],
      [v, cache.values, 18],
    ] as const) {
      const expected = viewAs(tensor, "f32").slice();
      roundKv(dtype, expected, size);
      const stored = rows.flatMap((row) => [...kept.slice(2 * size * row, 2 * size * (row + 1))]);
      expect(Float32Array.from(stored)).toEqual(expected);
    }
    expect(rows.map((row) => cache.positions[row])).toEqual([...viewAs(given.positions, "i32")]);
  });
});

/** Values from subnormal halves to beyond the largest half, ties, and those that are no numbers. */
function wild(shape: readonly [number, number], withSpecial: boolean) {
  const count = shape[0] * shape[1];
  const exponents = new Random(5).normals(count, 8);
  const special = [
    Number.NaN,
    Infinity,
    -Infinity,
    -0,
    65519,
    65520,
    -7e4,
    2 ** -25,
    3 * 2 ** -25,
    1 + 2 ** -11,
  ];
  const values = new Random(6).normals(count).map((x, i) => {
    return withSpecial && i % 7 === 3 ? special[Math.floor(i / 7) % special.length]! : x * 2 ** exponents[i]!;
  });
  return tensorOf("f32", shape, values);
}

/** All rows of a cache, with one value or random ones; row i at position i. */
function filled(scenario: Scenario, value?: number): KvSnapshot {
  const { kvHeads, headDim, valueDim, maxBlocks, blockRows } = planOf(scenario);
  const rows = maxBlocks * blockRows;
  const floats = (count: number, seed: number) =>
    value === undefined ? new Random(seed).normals(count) : new Float32Array(count).fill(value);
  return {
    rows,
    positions: Int32Array.from({ length: rows }, (_, i) => i % 2000),
    keys: floats(rows * kvHeads * headDim, 3),
    values: floats(rows * kvHeads * valueDim, 4),
  };
}

interface Chunk {
  readonly added: readonly number[];
  readonly operands: Operands;
}

/** Rows of sequence 0 in calls of these sizes; with `others`, a second sequence brings two rows more to each call. */
function chunks(all: Operands, sizes: readonly number[], others: Operands | undefined): Chunk[] {
  const columns = all.blockTable.spec.shape[1]!;
  let start = 0;
  return sizes.map((size, i) => {
    const spans = [
      { operands: all, sequence: 0, start, size },
      ...(others ? [{ operands: others, sequence: 1, start: 2 * i, size: 2 }] : []),
    ];
    start += size;
    const floats = (name: "q" | "k" | "v") => {
      const width = all[name].spec.shape[1]!;
      const parts = spans.map(({ operands, start: first, size: count }) => [
        ...viewAs(operands[name], "f32").subarray(first * width, (first + count) * width),
      ]);
      return tensorOf("f32", [parts.flat().length / width, width], Float32Array.from(parts.flat()));
    };
    const positions = spans.flatMap(({ start: first, size: count }) =>
      Array.from({ length: count }, (_, j) => first + j),
    );
    const sequences = spans.flatMap(({ sequence, size: count }) => new Array<number>(count).fill(sequence));
    // Blocks of the sequences take turns, from the last to the first.
    const table = [0, 1].flatMap((s) =>
      Array.from({ length: columns }, (_, b) => 2 * columns - 1 - (2 * b + s)),
    );
    const writeRows = positions.map((position, j) => {
      const block = table[sequences[j]! * columns + Math.floor(position / 32)]!;
      return block * 32 + (position % 32);
    });
    return {
      added: others ? [size, 2] : [size, 0],
      operands: {
        ...{ q: floats("q"), k: floats("k"), v: floats("v") },
        positions: ints(positions),
        sequences: ints(sequences),
        writeRows: ints(writeRows),
        blockTable: ints(table, [2, columns]),
        lengths: ints([start, others ? 2 * i + 2 : 0]),
      },
    };
  });
}
