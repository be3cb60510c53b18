/** Values of small constants as numbers, for rules that look at axes, scales and bounds. */
import type { OnnxTensor } from "../onnx/model.js";

/** undefined for types that no rule asks for, and for data that are elsewhere. */
export function numbersOf({ dtype, data }: OnnxTensor): readonly number[] | undefined {
  if (!(data instanceof Uint8Array)) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const every = (bytes: number, read: (at: number) => number) =>
    Array.from({ length: data.byteLength / bytes }, (_, i) => read(i * bytes));
  switch (dtype) {
    case "float32":
      return every(4, (at) => view.getFloat32(at, true));
    case "int32":
      return every(4, (at) => view.getInt32(at, true));
    case "int64":
      return every(8, (at) => Number(view.getBigInt64(at, true)));
    case "uint8":
      return [...data];
    case "int8":
      return every(1, (at) => view.getInt8(at));
    default:
      return undefined;
  }
}
