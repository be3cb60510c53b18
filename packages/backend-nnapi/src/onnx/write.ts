/**
 * Writes ONNX models as files (onnx.proto3). Weights are read from their sources while the file is written.
 */
import { MilletError } from "@millet/core/errors";
import {
  ONNX_DTYPES,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
  onnxByteLength,
} from "./model.js";
import {
  byteLengthOf,
  bytesField,
  type Chunks,
  floatField,
  intField,
  messageField,
  packedFloats,
  packedInts,
  stringField,
  stringItem,
} from "./wire-writer.js";

/** Protocol Buffers' own limit on a message, and so on a model with its weights inside. */
export const MOST_ONNX_BYTES = 2 ** 31 - 1;

/** AttributeProto.AttributeType. */
const ATTRIBUTE_TYPES = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

/** A model that is ready to be written. */
export interface OnnxFile {
  readonly byteLength: number;
  /** The file's bytes in order. A weight source's failure is passed on. */
  chunks(): AsyncGenerator<Uint8Array>;
  /** The whole file; for models that are small or go to a runtime from memory. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
}

/** @throws MilletError ONNX_TOO_LARGE above 2 GB; INVALID_ARGUMENT if a tensor's data does not fit its shape */
export function writeOnnx(model: OnnxModel): OnnxFile {
  const chunks = encodeModel(model);
  const byteLength = byteLengthOf(chunks);
  if (byteLength > MOST_ONNX_BYTES) {
    throw new MilletError(
      "ONNX_TOO_LARGE",
      `The ONNX graph "${model.graph.name}" would have ${byteLength} bytes, and a file with its weights inside may have ` +
        `${MOST_ONNX_BYTES}. Cut it into shards of fewer layers.`,
      { details: { byteLength, limit: MOST_ONNX_BYTES } },
    );
  }
  async function* read(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) {
      if (chunk instanceof Uint8Array) yield chunk;
      else yield* chunk.read();
    }
  }
  return {
    byteLength,
    chunks: read,
    async bytes() {
      const out = new Uint8Array(byteLength);
      let at = 0;
      for await (const chunk of read()) {
        out.set(chunk, at);
        at += chunk.byteLength;
      }
      return out;
    },
  };
}

/** Bytes that a node takes in a file. */
export function nodeByteLength(node: OnnxNode): number {
  return byteLengthOf(messageField(1, encodeNode(node)));
}

/** The same of a constant, its data included. */
export function tensorByteLength(tensor: OnnxTensor): number {
  return byteLengthOf(messageField(5, encodeTensor(tensor)));
}

function encodeModel({ irVersion, producer, opsets, graph }: OnnxModel): Chunks {
  return [
    ...intField(1, irVersion),
    ...stringField(2, producer),
    ...messageField(7, encodeGraph(graph)),
    ...Object.entries(opsets).flatMap(([domain, version]) =>
      messageField(8, stringField(1, domain), intField(2, version)),
    ),
  ];
}

function encodeGraph({ name, nodes, initializers, inputs, outputs, values }: OnnxGraph): Chunks {
  return [
    ...nodes.flatMap((node) => messageField(1, encodeNode(node))),
    ...stringField(2, name),
    ...initializers.flatMap((tensor) => messageField(5, encodeTensor(tensor))),
    ...inputs.flatMap((value) => messageField(11, encodeValue(value))),
    ...outputs.flatMap((value) => messageField(12, encodeValue(value))),
    ...values.flatMap((value) => messageField(13, encodeValue(value))),
  ];
}

function encodeNode({ name, opType, domain, inputs, outputs, attributes }: OnnxNode): Chunks {
  return [
    ...inputs.flatMap((input) => stringItem(1, input)),
    ...outputs.flatMap((output) => stringItem(2, output)),
    ...stringField(3, name),
    ...stringField(4, opType),
    ...Object.entries(attributes).flatMap(([key, value]) => messageField(5, encodeAttribute(key, value))),
    ...stringField(7, domain),
  ];
}

function encodeAttribute(name: string, attribute: OnnxAttribute): Chunks {
  if (attribute.type === "unread") {
    throw new MilletError("INVALID_ARGUMENT", `Attribute "${name}" is of a kind that cannot be written.`);
  }
  return [
    ...stringField(1, name),
    ...encodeAttributeValue(attribute),
    ...intField(20, ATTRIBUTE_TYPES[attribute.type]),
  ];
}

function encodeAttributeValue(attribute: Exclude<OnnxAttribute, { readonly type: "unread" }>): Chunks {
  switch (attribute.type) {
    case "float":
      return floatField(2, attribute.value);
    case "int":
      return intField(3, attribute.value);
    case "string":
      return stringItem(4, attribute.value);
    case "tensor":
      return messageField(5, encodeTensor(attribute.value));
    case "floats":
      return packedFloats(7, attribute.value);
    case "ints":
      return packedInts(8, attribute.value);
    default:
      return attribute satisfies never;
  }
}

function encodeTensor({ name, dtype, dims, data }: OnnxTensor): Chunks {
  const byteLength = onnxByteLength(dtype, dims);
  if (data === "external" || data.byteLength !== byteLength) {
    const found = data === "external" ? "another file" : `${data.byteLength} bytes`;
    throw new MilletError(
      "INVALID_ARGUMENT",
      `Constant "${name}" needs ${byteLength} bytes for ${dtype}[${dims.join(", ")}], but its data is ${found}.`,
    );
  }
  return [
    ...packedInts(1, dims),
    ...intField(2, ONNX_DTYPES[dtype]),
    ...stringField(8, name),
    ...bytesField(9, [data]),
  ];
}

function encodeValue({ name, dtype, shape }: OnnxValue): Chunks {
  if (dtype === undefined) return stringField(1, name);
  const dims = (shape ?? []).flatMap((dim) =>
    messageField(1, typeof dim === "number" ? intField(1, dim) : stringField(2, dim ?? "")),
  );
  const known = shape === undefined ? [] : messageField(2, dims);
  return [
    ...stringField(1, name),
    ...messageField(2, messageField(1, intField(1, ONNX_DTYPES[dtype]), known)),
  ];
}
