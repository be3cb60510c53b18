/** Attention over a text of 1,201 rows, three segments, in chunks of 100 and at last one row alone. */
import { type Backend, type KvDType, roundKv } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { type AttentionAttrs, attention } from "@millet/core/ops";
import { type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { expect } from "vitest";
import { Random } from "../../../../test/support/random.js";

const BLOCKS = 40; // 1,280 rows: three segments of 512
const CHUNK = 100;
const CONTEXT = 1201;

/** Grouped or not, of sizes that fill tiles of 32 and that do not. Row 0 is never written: its zeros are as good a text as any. */
export const LONG_SHAPES: readonly Heads[] = [
  { heads: 6, kvHeads: 2, headDim: 16, valueDim: 16 },
  { heads: 4, kvHeads: 4, headDim: 12, valueDim: 20 },
  { heads: 8, kvHeads: 1, headDim: 8, valueDim: 10 },
  { heads: 2, kvHeads: 1, headDim: 80, valueDim: 33 },
  { heads: 4, kvHeads: 2, headDim: 8, valueDim: 8, window: 700 },
  { heads: 2, kvHeads: 2, headDim: 8, valueDim: 8, softCap: 5 },
];

export interface Heads {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly window?: number;
  readonly softCap?: number;
}

function graphOf(name: string, rows: number, shape: Heads) {
  const graph = new GraphBuilder(name);
  const { heads, kvHeads, headDim, valueDim } = shape;
  const matrix = (input: string, width: number) =>
    graph.input(input, { dtype: "f32", shape: [rows, width] }, "tokens");
  const q = matrix("q", heads * headDim);
  const k = matrix("k", kvHeads * headDim);
  const v = matrix("v", kvHeads * valueDim);
  const indices = ["positions", "sequences", "writeRows"].map((input) =>
    graph.input(input, { dtype: "i32", shape: [rows] }, "tokens"),
  );
  const table = graph.input("blockTable", { dtype: "i32", shape: [1, BLOCKS] });
  const lengths = graph.input("lengths", { dtype: "i32", shape: [1] });
  const attrs: AttentionAttrs = { ...shape, layer: 0, scale: headDim ** -0.5, causal: true };
  return graph.finish({ y: graph.emitOne(attention, [q, k, v, ...indices, table, lengths], attrs) });
}

/** Rows `start` to `end` of the same endless text, with keys and values that `rounded` holds exactly. */
function inputsOf(
  start: number,
  end: number,
  { heads, kvHeads, headDim, valueDim }: Heads,
  rounded: KvDType,
  hasNaN = false,
) {
  const rows = Array.from({ length: end - start }, (_, i) => start + i);
  const matrix = (seed: number, width: number, dtype: KvDType = "f32", headSize = width) => {
    const values = Float32Array.from(
      rows.flatMap((row) => [...new Random(seed + 1000 * row).normals(width)]),
    );
    roundKv(dtype, values, headSize);
    return tensorOf("f32", [rows.length, width], values);
  };
  const ints = (values: number[], shape = [values.length]) => tensorOf("i32", shape, Int32Array.from(values));
  const k = matrix(2, kvHeads * headDim, rounded, headDim);
  if (hasNaN) viewAs(k, "f32")[(rows.length - 1) * kvHeads * headDim] = Number.NaN;
  return {
    q: matrix(1, heads * headDim),
    k,
    v: matrix(3, kvHeads * valueDim, rounded, valueDim),
    positions: ints(rows),
    sequences: ints(rows.map(() => 0)),
    writeRows: ints(rows),
    blockTable: ints([...Array(BLOCKS).keys()], [1, BLOCKS]),
    lengths: ints([end]),
  };
}

/** Outputs of the last row of a long text: in its chunk, then alone, where the first head's last key may hold a NaN. */
export async function lastRow(
  backend: Backend,
  shape: Heads,
  dtype: KvDType,
  rounded: KvDType = "f32",
  hasNaN = false,
): Promise<Float32Array[]> {
  const kv = { layers: 1, ...shape, dtype, blockRows: 32, maxBlocks: BLOCKS };
  const graphs = { chunk: graphOf("chunk", CHUNK, shape), alone: graphOf("alone", 1, shape) };
  const model = await backend.load(graphs, new Map(), kv);
  const state = model.createState();
  await state.reserve(BLOCKS);
  const run = async (name: "chunk" | "alone", start: number, end: number): Promise<HostTensor> => {
    const { y } = model.executables[name]!.run({
      inputs: inputsOf(start, end, shape, rounded, hasNaN && name === "alone"),
      state,
    });
    return y!.read();
  };
  let chunk: HostTensor | undefined;
  for (let start = 1; start < CONTEXT; start += CHUNK) chunk = await run("chunk", start, start + CHUNK);
  const alone = await run("alone", CONTEXT - 1, CONTEXT);
  await backend.dispose();
  const width = shape.heads * shape.valueDim;
  return [viewAs(chunk!, "f32").slice(-width), viewAs(alone, "f32")];
}

/** A NaN in the last key of the first head makes that head's queries NaN, and no others'. */
export async function expectNaN(backend: Backend): Promise<void> {
  const shape = { heads: 4, kvHeads: 2, headDim: 8, valueDim: 8 };
  const [clean, spoiled] = await lastRow(backend, shape, "f32", "f32", true);
  expect([...spoiled!.subarray(0, 16)]).toEqual(Array(16).fill(Number.NaN));
  expect(spoiled!.subarray(16)).toEqual(clean!.subarray(16));
}
