/**
 * Reads the header of one safetensors file and nothing behind it: 8 bytes of length, then JSON that says where each tensor
 * lies. As the reference implementation demands, tensors fill the file without gaps or overlaps.
 */
import { MilletError, type MilletErrorCode } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { contentHash } from "../../tensor/content-hash.js";
import { checkDensity, decodeUtf8, isObject, type JsonRule, parseObject } from "../json.js";
import { SAFETENSORS_TYPES, type SafetensorsType } from "./dtypes.js";

/** Far above any real header (a hundred bytes for each tensor). */
export const HEADER_LIMIT_BYTES = 32 << 20;
const LENGTH_BYTES = 8;
const MAX_DIMENSIONS = 8;
/** {"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}} holds an object and two lists. */
const BYTES_PER_OBJECT = 16;

export interface SafeTensor {
  readonly name: string;
  readonly type: SafetensorsType;
  /** Row-major, fastest last. */
  readonly shape: readonly number[];
  /** First byte in its file. */
  readonly offset: number;
  readonly byteLength: number;
}

export interface SafetensorsHeader {
  readonly fileName: string;
  /** By name, in the order of their bytes. */
  readonly tensors: ReadonlyMap<string, SafeTensor>;
  /** Bytes of length and JSON together. */
  readonly byteLength: number;
  /** Of these bytes. */
  readonly hash: string;
}

/**
 * @param limit bytes that the header may have
 * @throws MilletError SAFETENSORS_* for every kind of damage, SOURCE_*, ABORTED
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  { signal, limit = HEADER_LIMIT_BYTES }: { signal?: AbortSignal | undefined; limit?: number } = {},
): Promise<SafetensorsHeader> {
  const jsonBytes = await readLength(source, limit, signal);
  const bytes = await source.read(0, LENGTH_BYTES + jsonBytes, signal);
  const json = bytes.subarray(LENGTH_BYTES);
  const rule: JsonRule = { what: `${source.name}: the header`, code: "SAFETENSORS_BAD_HEADER", limit };
  checkDensity(json, BYTES_PER_OBJECT, rule);
  const entries = Object.entries(parseObject(decodeUtf8(json, rule), rule));
  const parsed = entries
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => parse(source, name, value));
  const tensors = placeTensors(source, parsed, bytes.byteLength);
  return { fileName: source.name, tensors, byteLength: bytes.byteLength, hash: contentHash(bytes) };
}

/** What other files begin with, where people expect a safetensors file. */
const LOOKALIKES: readonly (readonly [start: string, kind: string])[] = [
  ["<", "a web page, perhaps a server's error message"],
  ["version ", "a Git LFS pointer: the file itself was not fetched"],
  ["PK\x03\x04", "a ZIP archive or a PyTorch checkpoint"],
  ["GGUF", "a GGUF file"],
];

async function readLength(
  source: ByteSource,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { name, byteLength } = source;
  if (byteLength < LENGTH_BYTES + 2)
    throw truncated(source, `has ${byteLength} bytes, too few for a header.`);
  const start = await source.read(0, LENGTH_BYTES + 1, signal);
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > limit || start[LENGTH_BYTES] !== 0x7b) {
    const text = String.fromCharCode(...start);
    const kind = LOOKALIKES.find(([prefix]) => text.startsWith(prefix))?.[1];
    const what = kind ? `it looks like ${kind}` : `its header would have ${length} bytes`;
    throw new MilletError(
      "SAFETENSORS_BAD_HEADER",
      `${name} is no safetensors file: ${what}. Get the file again.`,
    );
  }
  if (LENGTH_BYTES + length > byteLength) {
    throw truncated(
      source,
      `has ${byteLength} bytes, but its header alone ends at byte ${LENGTH_BYTES + length}.`,
    );
  }
  return length;
}

function truncated({ name }: ByteSource, what: string): MilletError {
  return new MilletError(
    "SAFETENSORS_TRUNCATED",
    `${name} ${what} The download is incomplete: get it again.`,
  );
}

export function tensorError(
  code: MilletErrorCode,
  fileName: string,
  tensor: string,
  what: string,
  next = "The file is damaged: get it again.",
): MilletError {
  const shown = tensor.slice(0, 80);
  return new MilletError(code, `${fileName}: tensor ${JSON.stringify(shown)} ${what} ${next}`, {
    details: { fileName, tensor: shown },
  });
}

/** One entry; its offset is still relative to the data. */
function parse(source: ByteSource, name: string, value: unknown): SafeTensor {
  const bad = (what: string) => tensorError("SAFETENSORS_BAD_TENSOR", source.name, name, what);
  if (!isObject(value)) throw bad("is described by no object.");
  const { dtype, shape, data_offsets: range } = value;
  const type = typeof dtype === "string" ? SAFETENSORS_TYPES.get(dtype) : undefined;
  if (!type) {
    const next = "Get the model in F32, F16 or BF16.";
    const what = `is of type ${JSON.stringify(dtype)?.slice(0, 40)}, which is not known.`;
    throw tensorError("SAFETENSORS_UNKNOWN_DTYPE", source.name, name, what, next);
  }
  if (!isSizes(shape) || shape.length > MAX_DIMENSIONS) throw bad("has no valid shape.");
  if (!isSizes(range) || range.length !== 2) throw bad("has no valid data_offsets.");
  const bits = shape.reduce((product, size) => product * size, type.bits);
  const byteLength = range[1]! - range[0]!;
  if (!Number.isSafeInteger(bits) || bits !== 8 * byteLength) {
    throw bad(`has the bytes ${range.join(" to ")}, which ${type.name}[${shape.join(", ")}] does not take.`);
  }
  return { name, type, shape, offset: range[0]!, byteLength };
}

function isSizes(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

/** Makes offsets absolute and checks that tensors follow each other to the end of the file. */
function placeTensors(
  source: ByteSource,
  parsed: readonly SafeTensor[],
  dataStart: number,
): Map<string, SafeTensor> {
  const { name: fileName, byteLength: fileBytes } = source;
  const ordered = parsed
    .map((tensor) => ({ ...tensor, offset: dataStart + tensor.offset }))
    .sort((a, b) => a.offset - b.offset || a.byteLength - b.byteLength);
  let end = dataStart;
  for (const { name, offset, byteLength } of ordered) {
    if (offset + byteLength > fileBytes) {
      const what = `ends at byte ${offset + byteLength}, but the file has ${fileBytes}.`;
      const next = "The download is incomplete: get the file again.";
      throw tensorError("SAFETENSORS_TENSOR_OUT_OF_BOUNDS", fileName, name, what, next);
    }
    if (offset < end) {
      const what = `begins at byte ${offset}, within the one before.`;
      throw tensorError("SAFETENSORS_TENSOR_OVERLAP", fileName, name, what);
    }
    if (offset > end) {
      const what = `begins at byte ${offset}, but the one before ends at ${end}.`;
      throw tensorError("SAFETENSORS_BAD_TENSOR", fileName, name, what);
    }
    end = offset + byteLength;
  }
  if (end < fileBytes) {
    throw new MilletError(
      "SAFETENSORS_BAD_HEADER",
      `${fileName} has ${fileBytes} bytes, but its tensors end at byte ${end}. The file is damaged: get it again.`,
    );
  }
  return new Map(ordered.map((tensor) => [tensor.name, tensor]));
}
