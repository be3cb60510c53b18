/**
 * GGUF tensor descriptions: parsed, and checked to lie within the file, aligned and apart from each other.
 * GGUF lists dimensions fastest first; shapes here are row-major, fastest last.
 */
import { MilletError, type MilletErrorCode } from "../../errors.js";
import { elementCount, type TensorSpec } from "../../tensor/tensor.js";
import type { Cursor } from "./cursor.js";
import { type GgmlType, ggmlType } from "./ggml-types.js";

/** GGML's own limit (GGML_MAX_DIMS). */
const MAX_DIMENSIONS = 4;

export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlType;
  readonly shape: readonly number[];
  /** Undefined if Millet does not compute with the type. */
  readonly spec: TensorSpec | undefined;
  /** First byte in its file. */
  readonly offset: number;
  /** Undefined if the size of the type is unknown. */
  readonly byteLength: number | undefined;
}

/** Parses one description; the offset is still relative to the data. @throws MilletError GGUF_* */
export function parseTensor(cursor: Cursor): GgufTensor {
  const name = cursor.name("a tensor name");
  const dimensionCount = cursor.u32();
  if (dimensionCount > MAX_DIMENSIONS) {
    throw bad(cursor, name, `has ${dimensionCount} dimensions; at most ${MAX_DIMENSIONS} are possible.`);
  }
  const shape = Array.from({ length: dimensionCount }, () => cursor.size()).reverse();
  const type = ggmlType(cursor.u32());
  const offset = cursor.size();
  const elements = elementCount(shape);
  if (shape.includes(0) || !Number.isSafeInteger(elements)) {
    throw bad(cursor, name, `has the impossible shape [${shape.join(", ")}].`);
  }
  return {
    name,
    type,
    shape,
    spec: specOf(type, shape),
    offset,
    byteLength: sizeOf(cursor, name, type, shape),
  };
}

function bad(cursor: Cursor, name: string, what: string): MilletError {
  return cursor.error("GGUF_BAD_TENSOR", `tensor ${JSON.stringify(name.slice(0, 80))} ${what}`);
}

function specOf(type: GgmlType, shape: readonly number[]): TensorSpec | undefined {
  return type.dtype && { dtype: type.dtype, shape };
}

function sizeOf(cursor: Cursor, name: string, type: GgmlType, shape: readonly number[]): number | undefined {
  if (!type.block) return undefined;
  const row = shape.at(-1) ?? 1;
  if (row % type.block.elements !== 0) {
    throw bad(
      cursor,
      name,
      `has rows of ${row} elements, but ${type.name} needs a multiple of ${type.block.elements}.`,
    );
  }
  return (elementCount(shape) / type.block.elements) * type.block.bytes;
}

export interface DataSection {
  readonly fileName: string;
  readonly fileBytes: number;
  /** Where the data begins, and what every tensor's offset in it is a multiple of. */
  readonly start: number;
  readonly alignment: number;
}

/**
 * Makes offsets absolute and checks the layout.
 * @returns the tensors by name, in the order of the file
 * @throws MilletError GGUF_DUPLICATE_TENSOR, GGUF_TENSOR_MISALIGNED, GGUF_TENSOR_OUT_OF_BOUNDS, GGUF_TENSOR_OVERLAP
 */
export function placeTensors(parsed: readonly GgufTensor[], data: DataSection): Map<string, GgufTensor> {
  const tensors = new Map<string, GgufTensor>();
  for (const tensor of parsed) {
    const placed = { ...tensor, offset: data.start + tensor.offset };
    if (tensors.has(tensor.name))
      throw placeError(data, "GGUF_DUPLICATE_TENSOR", tensor.name, "occurs twice.");
    if (tensor.offset % data.alignment !== 0) {
      const what = `begins at offset ${tensor.offset}, which is no multiple of ${data.alignment}.`;
      throw placeError(data, "GGUF_TENSOR_MISALIGNED", tensor.name, what);
    }
    checkBounds(placed, data);
    tensors.set(tensor.name, placed);
  }
  checkApart(tensors, data);
  return tensors;
}

function placeError(
  data: DataSection,
  code: MilletErrorCode,
  name: string,
  what: string,
  next?: string,
): MilletError {
  const tensor = name.slice(0, 80);
  return new MilletError(
    code,
    `${data.fileName}: tensor ${JSON.stringify(tensor)} ${what} ${next ?? "The file is damaged: get it again."}`,
    { details: { fileName: data.fileName, tensor } },
  );
}

function checkBounds({ name, offset, byteLength = 0 }: GgufTensor, data: DataSection): void {
  const end = offset + byteLength;
  if (end <= data.fileBytes) return;
  const what = `ends at byte ${end}, but the file has ${data.fileBytes}.`;
  const next = 'The download is incomplete: run "millet pull --repair", or get the file again.';
  throw placeError(data, "GGUF_TENSOR_OUT_OF_BOUNDS", name, what, next);
}

function checkApart(tensors: ReadonlyMap<string, GgufTensor>, data: DataSection): void {
  const ordered = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  let previous: GgufTensor | undefined;
  for (const tensor of ordered) {
    const end = previous ? previous.offset + (previous.byteLength ?? 0) : 0;
    if (previous && tensor.offset < end) {
      const what = `begins at byte ${tensor.offset}, within ${JSON.stringify(previous.name.slice(0, 80))}.`;
      throw placeError(data, "GGUF_TENSOR_OVERLAP", tensor.name, what);
    }
    previous = tensor;
  }
}
