/** Outputs as inputs: what a call accepts, and how sparingly the reference backend gives its outputs out. */
import { describe, expect, test } from "vitest";
import { checkCall, hostInputs, reference } from "../../src/backend/index.js";
import { GraphBuilder } from "../../src/graph/builder.js";
import { add } from "../../src/ops/index.js";
import { type HostTensor, type TensorSpec, tensorOf, viewAs } from "../../src/tensor/tensor.js";

const SPEC: TensorSpec = { dtype: "f32", shape: [4, 2] };
const builder = new GraphBuilder("sum");
const operands = ["x", "y"].map((name) => builder.input(name, SPEC, "tokens"));
const graph = builder.finish({ sum: builder.emitOne(add, operands, {}) });
const kv = {
  layers: 0,
  kvHeads: 1,
  headDim: 1,
  valueDim: 1,
  dtype: "f32",
  blockRows: 32,
  maxBlocks: 0,
} as const;

const row = (a: number, b: number): HostTensor => tensorOf("f32", [1, 2], [a, b]);
const bufferOf = (spec: TensorSpec) => ({ spec, read: async () => row(0, 0), dispose: () => {} });

async function create() {
  const backend = await reference().create();
  const { executables } = await backend.load({ sum: graph }, new Map(), kv);
  return (x: HostTensor | ReturnType<typeof bufferOf>, y = row(1, 1), signal?: AbortSignal) =>
    executables.sum!.run({ inputs: { x, y }, ...(signal && { signal }) }).sum!;
}

describe("a call", () => {
  test("checks the spec of an output like a tensor's", () => {
    const rowsOf = (shape: number[]) =>
      checkCall(graph, { inputs: { x: bufferOf({ dtype: "f32", shape }), y: row(1, 2) } });
    expect(rowsOf([1, 2])).toEqual({ tokens: 1, logits: 0 });
    expect(() => rowsOf([2, 2])).toThrow(/"y", got f32\[1, 2\]/); // the axes disagree
    expect(() => rowsOf([1, 3])).toThrow(/"x", got f32\[1, 3\]/);
    const wrongType = bufferOf({ dtype: "i32", shape: [1, 2] });
    expect(() => checkCall(graph, { inputs: { x: wrongType, y: row(1, 2) } })).toThrow(/got i32/);
  });

  test("is refused an output where data is needed", () => {
    const call = { inputs: { x: bufferOf({ dtype: "f32", shape: [1, 2] }), y: row(1, 2) } };
    expect(() => hostInputs(graph, call)).toThrow(
      expect.objectContaining({ code: "INVALID_ARGUMENT", message: expect.stringContaining('input "x"') }),
    );
  });
});

describe("an output of the reference backend", () => {
  test("can be the input of several calls before it is read", async () => {
    const run = await create();
    const first = run(row(1, 2));
    const sums = [run(first), run(first)];
    expect(Array.from(viewAs(await first.read(), "f32"))).toEqual([2, 3]);
    for (const sum of sums) expect(Array.from(viewAs(await sum.read(), "f32"))).toEqual([3, 4]);
  });

  test("is gone once read or disposed of", async () => {
    const run = await create();
    const [read, disposed] = [run(row(1, 2)), run(row(1, 2))];
    await read.read();
    disposed.dispose();
    disposed.dispose();
    for (const gone of [read, disposed]) {
      await expect(gone.read()).rejects.toMatchObject({ code: "DISPOSED" });
      await expect(run(gone).read()).rejects.toMatchObject({ code: "DISPOSED" });
    }
  });

  test("hands its failure on", async () => {
    const run = await create();
    const failed = run(row(1, 2), row(1, 1), AbortSignal.abort());
    expect(failed.spec.shape).toEqual([1, 2]);
    await expect(run(run(failed)).read()).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("is not one of another backend", async () => {
    const run = await create();
    const foreign = bufferOf({ dtype: "f32", shape: [1, 2] });
    await expect(run(foreign).read()).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
