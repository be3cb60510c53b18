/** Ops: list and folder agree, hand-computed results, errors. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ReferenceState } from "../../src/backend/reference/state.js";
import { attention } from "../../src/ops/attention.js";
import { embedding } from "../../src/ops/embedding.js";
import { OPS, opOf, rmsNorm, rope, sample, swiglu } from "../../src/ops/index.js";
import { type HostTensor, type TensorSpec, tensorOf, viewAs } from "../../src/tensor/tensor.js";

const floats = (tensor: HostTensor | undefined) => Array.from(viewAs(tensor!, "f32"));
const NOT_OPS = ["check.ts", "elementwise.ts", "erfc.ts", "index.ts", "norm.ts", "rows.ts"];

describe("the list of ops", () => {
  test("has one entry per file of the folder", () => {
    const files = readdirSync(new URL("../../src/ops", import.meta.url)).filter((f) => !NOT_OPS.includes(f));
    expect(files.map((file) => file.replace(".ts", "").replaceAll("-", "_")).sort()).toEqual(
      Object.keys(OPS).sort(),
    );
    for (const [name, def] of Object.entries(OPS)) expect(def.op).toBe(name);
  });

  test("refuses a node of an unknown op", () => {
    const node = { id: 0, op: "conv", attrs: {}, inputs: [], outputs: [] };
    expect(() => opOf(node)).toThrow(expect.objectContaining({ code: "GRAPH_UNSUPPORTED_OP" }));
  });
});

describe("references by hand", () => {
  test("rms_norm", () => {
    const x = tensorOf("f32", [1, 2], [3, 4]);
    const [y] = rmsNorm.reference([x, tensorOf("f32", [2], [2, 1])], { epsilon: 0.5 }, undefined);
    const norm = Math.sqrt(12.5 + 0.5);
    expect(floats(y)).toEqual([Math.fround(6 / norm), Math.fround(4 / norm)]);
  });

  test("swiglu stays finite far out", () => {
    const gate = tensorOf("f32", [1, 3], [-1000, 0, 1000]);
    const [y] = swiglu.reference([gate, tensorOf("f32", [1, 3], [1, 1, 2])], {}, undefined);
    expect(floats(y)).toEqual([-0, 0, 2000]);
  });

  test("rope turns a quarter circle in both pairings and leaves the rest of the head", () => {
    const x = tensorOf("f32", [1, 5], [1, 2, 3, 4, 5]);
    const positions = tensorOf("i32", [1], [1]);
    const quarter = { heads: 1, headDim: 5, inverseFrequencies: [Math.PI / 2, Math.PI], magnitude: 1 };
    const turn = (interleaved: boolean) =>
      floats(rope.reference([x, positions], { ...quarter, interleaved }, undefined)[0]).map(
        (v) => Math.round(v * 1e6) / 1e6 + 0,
      );
    expect(turn(true)).toEqual([-2, 1, -3, -4, 5]);
    expect(turn(false)).toEqual([-3, -2, 1, -4, 5]);
  });

  test("embedding refuses an id outside the vocabulary", () => {
    const weight = tensorOf("f32", [2, 1], [1, 2]);
    for (const id of [-1, 2]) {
      expect(() =>
        embedding.reference([weight, tensorOf("i32", [1], [id])], { scale: 1 }, undefined),
      ).toThrow(/outside the vocabulary of 2/);
    }
  });

  describe("sample", () => {
    const NEUTRAL = [0, 0, 1, 0, 1, 0, 0, 0, 64]; // greedy, without penalties
    const run = (logits: number[], history: number[], settings: number[], candidates = 2) => {
      const [token, next, packed] = sample.reference(
        [
          tensorOf("f32", [1, logits.length], logits),
          tensorOf("i32", [1, history.length], history),
          tensorOf("f32", [1, settings.length], settings),
        ],
        { candidates },
        undefined,
      );
      return {
        token: viewAs(token!, "i32")[0],
        history: Array.from(viewAs(next!, "i32")),
        packed: floats(packed),
      };
    };

    test("chooses, moves the history on, and packs candidates", () => {
      const two = Math.log(2);
      const { token, history, packed } = run([0, two, Number.NaN, 0], [-1, 1, 2], NEUTRAL);
      expect(token).toBe(1);
      expect(history).toEqual([1, 2, 1]);
      const logSum = Math.fround(Math.log(4));
      const logits = [
        Math.fround(two),
        0,
        Number.NEGATIVE_INFINITY,
        Math.fround(two),
        Number.NEGATIVE_INFINITY,
      ];
      expect(packed).toEqual([logSum, logSum, 2, 1, 1, 0, ...logits]);
    });

    test("penalizes what the last entries of the history name, and nothing that is no token", () => {
      const settings = [0, 0, 1, 0, 2, 0.25, 0.5, 0, 3];
      // id 0 lies before the last three; 2 is halved to 1, then loses 2 * 0.25 and 0.5
      const { token, packed } = run([1.5, 1, 2], [0, 2, 9, 2], settings, 5);
      expect(token).toBe(0);
      expect(packed[1]).toBeCloseTo(Math.log(Math.exp(1.5) + Math.exp(1) + 1), 6);
      expect(packed.slice(2)).toEqual([
        ...[3, 0],
        ...[2, 0, 1, -1, -1],
        ...[2, 1.5, 1, -Infinity, -Infinity],
        ...[1.5, 2, -Infinity, 2],
      ]);
    });

    test("draws by the given number, best first within limits and by id without", () => {
      const logits = [1, 4, 3, 2].map(Math.log); // the sum is 10
      const draw = (number: number, topK: number, topP = 1) =>
        run(logits, [], [1, topK, topP, 0, 1, 0, 0, number, 0]).token;
      expect([0.05, 0.15, 0.55, 0.85].map((x) => draw(x, 0))).toEqual([0, 1, 2, 3]);
      expect([0.05, 0.44, 0.45, 0.95].map((x) => draw(x, 3))).toEqual([1, 1, 2, 3]);
      expect([0.05, 0.56, 0.58, 0.95].map((x) => draw(x, 3, 0.7))).toEqual([1, 1, 2, 2]);
    });

    test("has no token where there is nothing to choose", () => {
      const { token, history, packed } = run([Number.NaN, -Infinity], [5], NEUTRAL);
      expect([token, ...history]).toEqual([-1, -1]);
      expect(packed).toEqual([
        ...[-Infinity, -Infinity, 0, -1],
        ...[-1, -1, -Infinity, -Infinity, -Infinity],
      ]);
    });

    test("refuses operands that do not fit", () => {
      const specs = (history: number[], columns: number): TensorSpec[] => [
        { dtype: "f32", shape: [2, 9] },
        { dtype: "i32", shape: history },
        { dtype: "f32", shape: [2, columns] },
      ];
      expect(sample.infer(specs([2, 3], 9), { candidates: 4 })[2]).toEqual({ dtype: "f32", shape: [2, 15] });
      for (const [history, columns, candidates] of [
        [[1, 3], 9, 4],
        [[2, 3], 8, 4],
        [[2, 3], 9, 0],
      ] as const) {
        expect(() => sample.infer(specs([...history], columns), { candidates })).toThrow(/sample\(/);
      }
    });
  });

  test("attention averages values by softmax over visible rows", async () => {
    const plan = {
      layers: 1,
      kvHeads: 1,
      headDim: 1,
      valueDim: 1,
      dtype: "f32",
      blockRows: 2,
      maxBlocks: 2,
    } as const;
    const state = new ReferenceState(plan);
    await state.reserve(2);
    const attrs = { layer: 0, heads: 1, kvHeads: 1, headDim: 1, valueDim: 1, scale: 1, causal: true };
    const ones = (values: number[]) => tensorOf("f32", [values.length, 1], values);
    const ints = (values: number[], shape = [values.length]) => tensorOf("i32", shape, values);
    const [y] = attention.reference(
      [
        ones([0, 0, Math.LN2]), // q
        ones([1, 2, 1]), // k
        ones([10, 20, 40]), // v
        ints([0, 1, 2]),
        ints([0, 0, 0]),
        ints([2, 3, 0]), // block 1 holds positions 0 and 1, block 0 position 2
        ints([1, 0], [1, 2]),
        ints([3]),
      ],
      attrs,
      state,
    );
    const [first, second, third] = floats(y);
    expect(first).toBe(10); // sees itself only
    expect(second).toBeCloseTo(15); // equal scores
    expect(third).toBeCloseTo((2 * 10 + 4 * 20 + 2 * 40) / 8, 5); // weights 2^k
  });

  test("attention needs a state", () => {
    expect(() =>
      attention.reference(
        [],
        { layer: 0, heads: 1, kvHeads: 1, headDim: 1, valueDim: 1, scale: 1, causal: true },
        undefined,
      ),
    ).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
