/**
 * Writes GGUF version 3 to a sink, piece by piece, so that a model of any size takes little memory.
 * Used by tests, the splitter and the generator of random models.
 */
import { MilletError } from "../../errors.js";
import { elementCount } from "../../tensor/tensor.js";
import { ByteWriter } from "./byte-writer.js";
import { type GgmlType, ggmlTypeOf } from "./ggml-types.js";
import type { GgufTypedValue } from "./values.js";

/** Takes bytes in order. They may be reused once the result has settled. */
export type ByteSink = (bytes: Uint8Array) => void | Promise<void>;

export interface GgufTensorContents {
  readonly name: string;
  /** GGML's name of the type in lower case. */
  readonly type: string;
  /** Row-major, fastest last. */
  readonly shape: readonly number[];
  /** All bytes, or a function that yields them in pieces when it is this tensor's turn. */
  readonly data: Uint8Array | (() => AsyncIterable<Uint8Array> | Iterable<Uint8Array>);
}

export interface GgufContents {
  /** 3 unless told otherwise; version 2 has the same layout. */
  readonly version?: 2 | 3;
  /** In the order of the file. `general.alignment`, if there, is obeyed. */
  readonly metadata: Iterable<readonly [key: string, value: GgufTypedValue]>;
  readonly tensors: readonly GgufTensorContents[];
}

/**
 * Writes a file.
 * @returns the number of bytes written
 * @throws MilletError INVALID_ARGUMENT if a type is unknown or data do not have the size that type and shape demand
 */
export async function writeGguf(sink: ByteSink, contents: GgufContents): Promise<number> {
  const { header, alignment } = headerOf(contents);
  await sink(header);
  let written = header.byteLength;
  for (const tensor of contents.tensors) {
    const size = sizeOf(tensor);
    await writeData(sink, tensor, size);
    const padding = -size & (alignment - 1);
    if (padding > 0) await sink(new Uint8Array(padding));
    written += size + padding;
  }
  return written;
}

/** Bytes of a tensor in the file. */
function sizeOf({ name, type, shape }: GgufTensorContents): number {
  const { block } = knownType(name, type);
  const row = shape.at(-1) ?? 1;
  if (!block || row % block.elements !== 0) throw invalid(name, `rows of ${row} elements cannot be ${type}`);
  return (elementCount(shape) / block.elements) * block.bytes;
}

function knownType(name: string, type: string): GgmlType {
  const known = ggmlTypeOf(type);
  if (!known) throw invalid(name, `${JSON.stringify(type)} is no type of GGML`);
  return known;
}

function invalid(name: string, what: string): MilletError {
  return new MilletError("INVALID_ARGUMENT", `Tensor ${JSON.stringify(name)}: ${what}.`);
}

/** Everything before the data, padding included. */
function headerOf({ version = 3, metadata, tensors }: GgufContents) {
  const entries = [...metadata];
  const writer = new ByteWriter();
  writer.raw(new TextEncoder().encode("GGUF"));
  writer.fixed("u32", version);
  writer.fixed("u64", tensors.length);
  writer.fixed("u64", entries.length);
  for (const [key, value] of entries) {
    writer.string(key);
    writer.value(value);
  }
  const alignment = Number(entries.find(([key]) => key === "general.alignment")?.[1].value ?? 32);
  let offset = 0;
  for (const tensor of tensors) {
    const { name, type, shape } = tensor;
    writer.string(name);
    writer.fixed("u32", shape.length);
    for (const dimension of shape.toReversed()) writer.fixed("u64", dimension);
    writer.fixed("u32", knownType(name, type).id);
    writer.fixed("u64", offset);
    offset = Math.ceil((offset + sizeOf(tensor)) / alignment) * alignment;
  }
  writer.pad(alignment);
  return { header: writer.bytes(), alignment };
}

async function writeData(sink: ByteSink, { name, data }: GgufTensorContents, size: number): Promise<void> {
  let done = 0;
  for await (const piece of data instanceof Uint8Array ? [data] : data()) {
    done += piece.byteLength;
    await sink(piece);
  }
  if (done !== size) throw invalid(name, `its type and shape take ${size} bytes, but its data have ${done}`);
}
