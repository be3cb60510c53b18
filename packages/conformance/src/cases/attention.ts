/**
 * Cases of attention: grouped heads, odd head sizes, several sequences in one call, blocks in any order,
 * a prompt in chunks and then single rows, sliding windows, soft caps, encoders; most with every type of KV cache.
 */
import { KV_DTYPES, type KvDType } from "@millet/core/backend";
import { type AttentionAttrs, attention, type RopeAttrs } from "@millet/core/ops";
import { type CaseBuilder, type Inputs, ints, type OpCase, opCase } from "../case.js";
import { frequencies } from "./rope.js";

const BLOCK_ROWS = 32;

interface Scenario {
  readonly name: string;
  readonly attrs: Omit<AttentionAttrs, "layer" | "scale" | "causal">;
  /** True unless given; encoders are not. */
  readonly causal?: boolean;
  /** Types of cache that it runs with; all unless given. */
  readonly caches?: readonly KvDType[];
  /** Rows that each sequence adds in each call: calls[i][s]. */
  readonly calls: readonly (readonly number[])[];
}

const HEADS = { heads: 4, kvHeads: 2, headDim: 16, valueDim: 16 };

const SCENARIOS: readonly Scenario[] = [
  { name: "one row, one head", attrs: { heads: 1, kvHeads: 1, headDim: 2, valueDim: 2 }, calls: [[1], [1]] },
  {
    name: "SmolLM2's heads",
    attrs: { heads: 9, kvHeads: 3, headDim: 64, valueDim: 64, rope: ropeOf(64, true) },
    calls: [[31], [1], [1], [40], [1]],
  },
  { name: "one KV head", attrs: { ...HEADS, heads: 5, kvHeads: 1 }, calls: [[33], [1]] },
  {
    name: "odd sizes",
    attrs: { heads: 6, kvHeads: 2, headDim: 10, valueDim: 7, rope: ropeOf(6, false) },
    calls: [[65], [3], [1]],
  },
  {
    name: "three sequences",
    attrs: HEADS,
    calls: [
      [5, 0, 30],
      [1, 64, 1],
      [1, 1, 1],
      [0, 1, 3],
    ],
  },
  { name: "window of 8", attrs: { ...HEADS, window: 8 }, calls: [[40], [1], [5]] },
  {
    name: "heads of 80 and 20",
    attrs: { heads: 6, kvHeads: 2, headDim: 80, valueDim: 20, window: 33 },
    calls: [[40], [1], [26], [1]],
  },
  { name: "soft cap", attrs: { ...HEADS, softCap: 2.5 }, calls: [[20], [1]] },
  {
    name: "window, soft cap and one KV head",
    attrs: {
      heads: 4,
      kvHeads: 1,
      headDim: 32,
      valueDim: 32,
      window: 20,
      softCap: 5,
      rope: ropeOf(32, false),
    },
    caches: ["f32"],
    calls: [[50], [1], [3], [1]],
  },
  {
    name: "part of a head rotated in halves, longer",
    attrs: { heads: 4, kvHeads: 4, headDim: 20, valueDim: 20, rope: ropeOf(8, false, 1.2) },
    caches: ["f32"],
    calls: [[33], [1], [4]],
  },
  {
    name: "part of a head rotated in pairs, longer",
    attrs: { heads: 4, kvHeads: 2, headDim: 32, valueDim: 32, rope: ropeOf(12, true, 1.2) },
    caches: ["f32"],
    calls: [
      [34, 3],
      [1, 1],
    ],
  },
  {
    name: "encoder",
    attrs: { heads: 3, kvHeads: 3, headDim: 32, valueDim: 32 },
    causal: false,
    caches: ["f32"],
    calls: [[67]],
  },
  {
    name: "encoder of several texts, then of more",
    attrs: { ...HEADS, kvHeads: 4, rope: ropeOf(16, false) },
    causal: false,
    calls: [
      [1, 37, 5, 64],
      [3, 0, 30, 1],
    ],
  },
  {
    name: "encoder with window and soft cap",
    attrs: { ...HEADS, headDim: 10, window: 6, softCap: 3 },
    causal: false,
    caches: ["f32"],
    calls: [
      [39, 2],
      [1, 1],
    ],
  },
];

function ropeOf(rotaryDim: number, interleaved: boolean, magnitude = 1): RopeAttrs {
  return { inverseFrequencies: frequencies(rotaryDim), interleaved, magnitude };
}

/**
 * Of rounded types the reference's keys may fall on the other side of a boundary by the last bit of RoPE, and engines may
 * multiply the codes of q8_0 with queries of a few bits less than f32 has.
 */
const TOLERANCE: Readonly<Record<KvDType, number>> = { f32: 1e-10, f16: 1e-9, q8_0: 1e-7 };

export const attentionCases: readonly OpCase[] = KV_DTYPES.flatMap((dtype) =>
  SCENARIOS.filter(({ caches = KV_DTYPES }) => caches.includes(dtype)).map((scenario) =>
    opCase(
      `attention: ${scenario.name}${dtype === "f32" ? "" : `, ${dtype} cache`}`,
      { tolerance: TOLERANCE[dtype], kvDType: dtype },
      (builder) => buildScenario(builder, scenario, dtype),
    ),
  ),
);

function buildScenario(builder: CaseBuilder, { attrs, causal = true, calls }: Scenario, dtype: KvDType) {
  const { heads, kvHeads, headDim, valueDim } = attrs;
  const sequences = calls[0]!.length;
  const most = Math.max(...calls.map((rows) => sum(rows)));
  const blocks = Math.ceil(sum(calls.flat()) / BLOCK_ROWS) + 1;
  const operands = [
    builder.input("q", "f32", [most, heads * headDim]),
    builder.input("k", "f32", [most, kvHeads * headDim]),
    builder.input("v", "f32", [most, kvHeads * valueDim]),
    ...["positions", "sequences", "writeRows"].map((name) => builder.input(name, "i32", [most])),
    builder.input("blockTable", "i32", [sequences, blocks], "fixed"),
    builder.input("lengths", "i32", [sequences], "fixed"),
  ];
  const full: AttentionAttrs = { ...attrs, layer: 0, scale: headDim ** -0.5, causal };
  const maxBlocks = sequences * blocks;
  return {
    graph: builder.emit(attention, operands, full),
    calls: callsOf(builder, attrs, calls, blocks),
    kv: { layers: 1, kvHeads, headDim, valueDim, dtype, blockRows: BLOCK_ROWS, maxBlocks },
  };
}

/** Inputs of each call, with every sequence's blocks scattered over the cache. */
function callsOf(
  builder: CaseBuilder,
  attrs: Scenario["attrs"],
  calls: Scenario["calls"],
  blocks: number,
): Inputs[] {
  const { heads, kvHeads, headDim, valueDim } = attrs;
  const lengths = calls[0]!.map(() => 0);
  const table = builder.random.permutation(lengths.length * blocks);
  return calls.map((added) => {
    const rows = added.flatMap((count, s) =>
      Array.from({ length: count }, () => {
        const position = lengths[s]!++;
        const block = table[s * blocks + Math.floor(position / BLOCK_ROWS)]!;
        return { s, position, writeRow: block * BLOCK_ROWS + (position % BLOCK_ROWS) };
      }),
    );
    return {
      q: builder.floats([rows.length, heads * headDim]),
      k: builder.floats([rows.length, kvHeads * headDim]),
      v: builder.floats([rows.length, kvHeads * valueDim]),
      positions: ints(rows.map((row) => row.position)),
      sequences: ints(rows.map((row) => row.s)),
      writeRows: ints(rows.map((row) => row.writeRow)),
      blockTable: ints(table, [lengths.length, blocks]),
      lengths: ints([...lengths]),
    };
  });
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
