/** ONNX Runtime, which no one here wrote, reads what is written. */
import ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { writeOnnx } from "../../src/onnx/write.js";
import { floats, int64s, model, node, value } from "../support/graphs.js";

test("ONNX Runtime computes what the file says", async () => {
  const file = writeOnnx(
    model({
      inputs: [value("x", ["rows", 3])],
      outputs: [value("y", ["rows", 2])],
      initializers: [floats("w", [3, 2], [1, 2, 3, 4, 5, 6]), int64s("axes", [1])],
      nodes: [
        node("MatMul", ["x", "w"], ["product"]),
        node("ReduceMean", ["x", "axes"], ["mean"], { keepdims: { type: "int", value: 1 } }),
        node("Add", ["product", "mean"], ["y"]),
      ],
    }),
  );
  const session = await ort.InferenceSession.create(await file.bytes());
  const { y } = await session.run({ x: new ort.Tensor("float32", [1, 2, 3, 0, 0, 3], [2, 3]) });
  expect(y?.dims).toEqual([2, 2]);
  expect(y?.data).toEqual(Float32Array.of(22 + 2, 28 + 2, 15 + 1, 18 + 1));
  await session.release();
});
