/**
 * Protocol Buffers' wire format, writing (protobuf.dev, "Encoding"): a message is a list of chunks, so that large byte
 * fields are neither copied nor held in memory.
 */
import type { OnnxTensorSource } from "./model.js";

/** Bytes, or where they will come from. */
export type Chunk = Uint8Array | OnnxTensorSource;
export type Chunks = readonly Chunk[];

const VARINT = 0;
const BYTES = 2;
const FIXED32 = 5;
const utf8 = new TextEncoder();

/** A whole number from -2^63 to 2^63 - 1 that a number holds exactly; negative ones take ten bytes. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const tag = (field: number, wireType: number): Uint8Array => varint(field * 8 + wireType);

export function intField(field: number, value: number): Chunks {
  return [tag(field, VARINT), varint(value)];
}

export function floatField(field: number, value: number): Chunks {
  return [tag(field, FIXED32), floatBytes([value])];
}

export function bytesField(field: number, chunks: Chunks): Chunks {
  return [tag(field, BYTES), varint(byteLengthOf(chunks)), ...chunks];
}

/** A string; empty ones are left out, as the format's defaults are. */
export function stringField(field: number, value: string): Chunks {
  return value === "" ? [] : bytesField(field, [utf8.encode(value)]);
}

/** A string of a list, where an empty one counts. */
export function stringItem(field: number, value: string): Chunks {
  return bytesField(field, [utf8.encode(value)]);
}

export function messageField(field: number, ...parts: readonly Chunks[]): Chunks {
  return bytesField(field, parts.flat());
}

export function packedInts(field: number, values: readonly number[]): Chunks {
  return bytesField(field, values.map(varint));
}

export function packedFloats(field: number, values: readonly number[]): Chunks {
  return bytesField(field, [floatBytes(values)]);
}

export function byteLengthOf(chunks: Chunks): number {
  return chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
}

function floatBytes(values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    view.setFloat32(i * 4, value, true);
  });
  return bytes;
}
