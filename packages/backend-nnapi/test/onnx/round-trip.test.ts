/** What is written is read again, for any model that there is; and damaged files end in a typed error. */
import { isMilletError } from "@millet/core/errors";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { OnnxAttribute, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "../../src/onnx/model.js";
import { onnxByteLength } from "../../src/onnx/model.js";
import { readOnnx } from "../../src/onnx/read.js";
import { writeOnnx } from "../../src/onnx/write.js";
import { DTYPE_NAMES } from "../support/graphs.js";

const name = fc.string({ unit: "grapheme", maxLength: 12 });
const integer = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
const float = fc.float({ noNaN: true });
const size = fc.nat({ max: 4 });
const dtype = fc.constantFrom(...DTYPE_NAMES.filter((type) => type !== "string"));

const tensor: fc.Arbitrary<OnnxTensor> = fc
  .record({ name, dtype, dims: fc.array(size, { maxLength: 3 }) })
  .chain((about) => {
    const length = onnxByteLength(about.dtype, about.dims);
    return fc.uint8Array({ minLength: length, maxLength: length }).map((data) => ({ ...about, data }));
  });

const attribute: fc.Arbitrary<OnnxAttribute> = fc.oneof(
  fc.record({ type: fc.constant("int" as const), value: integer }),
  fc.record({ type: fc.constant("float" as const), value: float }),
  fc.record({ type: fc.constant("string" as const), value: name }),
  fc.record({ type: fc.constant("ints" as const), value: fc.array(integer, { maxLength: 4 }) }),
  fc.record({ type: fc.constant("floats" as const), value: fc.array(float, { maxLength: 4 }) }),
  fc.record({ type: fc.constant("tensor" as const), value: tensor }),
);

const node: fc.Arbitrary<OnnxNode> = fc.record({
  name,
  opType: name,
  domain: name,
  inputs: fc.array(name, { maxLength: 3 }),
  outputs: fc.array(name, { maxLength: 3 }),
  attributes: fc
    .array(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), attribute), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries)),
});

const dim = fc.oneof(fc.nat(), fc.stringMatching(/^[a-z]{1,8}$/), fc.constant(undefined));
const value: fc.Arbitrary<OnnxValue> = fc.oneof(
  fc.record({
    name,
    dtype,
    shape: fc.option(fc.array(dim, { maxLength: 5 }), { nil: undefined }),
  }),
  fc.record({ name, dtype: fc.constant(undefined), shape: fc.constant(undefined) }),
);

const list = <T>(item: fc.Arbitrary<T>) => fc.array(item, { maxLength: 3 });
const model: fc.Arbitrary<OnnxModel> = fc.record({
  irVersion: fc.nat({ max: 20 }),
  producer: name,
  opsets: fc.dictionary(fc.stringMatching(/^[a-z.]{0,12}$/), fc.nat({ max: 30 }), { noNullPrototype: true }),
  graph: fc.record({
    name,
    nodes: list(node),
    initializers: list(tensor),
    inputs: list(value),
    outputs: list(value),
    values: list(value),
  }),
});

describe("ONNX files", () => {
  test("read as they were written", async () => {
    await fc.assert(
      fc.asyncProperty(model, async (written) => {
        const file = writeOnnx(written);
        const bytes = await file.bytes();
        expect(bytes.byteLength).toBe(file.byteLength);
        expect(readOnnx(bytes)).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });

  test("weights come from their source, in pieces", async () => {
    const pieces = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5)];
    let read = 0;
    const data = {
      byteLength: 5,
      async *read() {
        for (const piece of pieces) {
          read++;
          yield piece;
        }
      },
    };
    const graph = { name: "g", nodes: [], inputs: [], outputs: [], values: [] };
    const initializers: OnnxTensor[] = [{ name: "w", dtype: "uint8", dims: [5], data }];
    const file = writeOnnx({
      irVersion: 9,
      producer: "",
      opsets: {},
      graph: { ...graph, initializers },
    });
    expect(read).toBe(0);
    const [constant] = readOnnx(await file.bytes()).graph.initializers;
    expect(constant?.data).toEqual(Uint8Array.of(1, 2, 3, 4, 5));
  });

  test("above 2 GB are refused before anything is read", () => {
    const data = { byteLength: 2 ** 31, read: () => expect.unreachable() };
    const initializers: OnnxTensor[] = [{ name: "w", dtype: "uint8", dims: [2 ** 31], data }];
    const graph = { name: "g", nodes: [], inputs: [], outputs: [], values: [], initializers };
    expect(() => writeOnnx({ irVersion: 9, producer: "", opsets: {}, graph })).toThrow(
      expect.objectContaining({ code: "ONNX_TOO_LARGE" }),
    );
  });

  test("whose data do not fit their shape are refused, naming the constant", () => {
    const initializers: OnnxTensor[] = [{ name: "w", dtype: "float32", dims: [3], data: new Uint8Array(11) }];
    const graph = { name: "g", nodes: [], inputs: [], outputs: [], values: [], initializers };
    expect(() => writeOnnx({ irVersion: 9, producer: "", opsets: {}, graph })).toThrow(/"w" needs 12 bytes/);
  });

  test("that are damaged end in a typed error, whatever the damage", async () => {
    await fc.assert(
      fc.asyncProperty(
        model,
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (written, changes, cut) => {
          const bytes = await writeOnnx(written).bytes();
          for (const [at, byte] of changes) if (bytes.length > 0) bytes[at % bytes.length] = byte;
          try {
            readOnnx(bytes.subarray(0, cut % (bytes.length + 1)));
          } catch (error) {
            expect(isMilletError(error) && error.code).toBe("ONNX_MALFORMED");
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
