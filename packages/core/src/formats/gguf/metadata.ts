/**
 * GGUF metadata: a read-only map of keys to values. Scalars are parsed with the header; arrays are checked then and
 * decoded when asked for, so that a header costs no more memory than its bytes.
 */
import type { TextList } from "../../platform/text-list.js";
import type { Cursor } from "./cursor.js";
import { decodeText, decodeTexts } from "./strings.js";
import {
  FIXED_BYTES,
  GGUF_VALUE_TYPES,
  type GgufElementType,
  type GgufFixedType,
  type GgufNumbers,
  type GgufTypedValue,
  type GgufValue,
  type GgufValueType,
} from "./values.js";

interface ScalarEntry {
  readonly type: GgufElementType;
  readonly value: number | bigint | boolean | string;
}

interface ArrayEntry {
  readonly type: "array";
  readonly elementType: GgufElementType;
  readonly length: number;
  /** Range of the elements in the header. */
  readonly start: number;
  readonly end: number;
}

export type MetadataEntry = ScalarEntry | ArrayEntry;

/** What a key holds, without decoding it. `length` is 1 for scalars. */
export interface GgufValueInfo {
  readonly type: GgufValueType;
  readonly elementType: GgufElementType;
  readonly length: number;
}

/** Metadata by key, in the order of the file. */
export class GgufMetadata implements ReadonlyMap<string, GgufValue> {
  readonly #entries: ReadonlyMap<string, MetadataEntry>;
  readonly #bytes: Uint8Array;
  readonly #decoded = new Map<string, GgufValue>();

  /** @param bytes the header, in which `entries` point to their arrays */
  constructor(entries: ReadonlyMap<string, MetadataEntry>, bytes: Uint8Array) {
    this.#entries = entries;
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The value of a key; the same object on every call. Do not write to arrays. */
  get(key: string): GgufValue | undefined {
    const entry = this.#entries.get(key);
    if (entry?.type !== "array") return entry?.value;
    const known = this.#decoded.get(key);
    if (known !== undefined) return known;
    const value = decodeArray(this.#bytes, entry);
    this.#decoded.set(key, value);
    return value;
  }

  /** An array of strings without a string for each; undefined for what is none. Not kept: decoded on every call. */
  texts(key: string): TextList | undefined {
    const entry = this.#entries.get(key);
    if (entry?.type !== "array" || entry.elementType !== "string") return undefined;
    return decodeTexts(this.#bytes, entry.start, entry.end, entry.length);
  }

  /** Type and length of a key's value, without decoding it. */
  info(key: string): GgufValueInfo | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    if (entry.type === "array")
      return { type: "array", elementType: entry.elementType, length: entry.length };
    return { type: entry.type, elementType: entry.type, length: 1 };
  }

  /** Keys and values with their types, as writeGguf takes them. */
  *typed(): Generator<[string, GgufTypedValue]> {
    for (const [key, entry] of this.#entries) {
      const { type, value } = { ...entry, value: this.get(key) };
      const elementType = entry.type === "array" ? entry.elementType : undefined;
      yield [key, { type, elementType, value } as GgufTypedValue];
    }
  }

  keys(): MapIterator<string> {
    return this.#entries.keys();
  }

  *values(): Generator<GgufValue, undefined> {
    for (const [, value] of this) yield value;
  }

  *entries(): Generator<[string, GgufValue], undefined> {
    for (const key of this.#entries.keys()) yield [key, this.get(key)!];
  }

  [Symbol.iterator](): Generator<[string, GgufValue], undefined> {
    return this.entries();
  }

  forEach(visit: (value: GgufValue, key: string, map: ReadonlyMap<string, GgufValue>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
}

/** Parses one key and its value. @throws MilletError GGUF_* */
export function parseEntry(cursor: Cursor): [key: string, entry: MetadataEntry] {
  const key = cursor.name("a metadata key");
  const type = valueType(cursor, key);
  return [key, type === "array" ? parseArray(cursor, key) : parseScalar(cursor, key, type)];
}

function valueType(cursor: Cursor, key: string): GgufValueType {
  const id = cursor.u32();
  const type = GGUF_VALUE_TYPES[id];
  if (type === undefined)
    throw cursor.error("GGUF_BAD_METADATA", `${shown(key)} has the unknown value type ${id}.`);
  return type;
}

function parseScalar(cursor: Cursor, key: string, type: GgufElementType): ScalarEntry {
  if (type === "string") {
    const { start, end } = cursor.stringRange(shown(key));
    return { type, value: decodeText(cursor.bytes, start, end) };
  }
  const start = cursor.skip(FIXED_BYTES[type]);
  const value = toNumbers(cursor.bytes, type, start, cursor.position)[0]!;
  if (type !== "bool") return { type, value: exact(value) };
  if (value > 1)
    throw cursor.error("GGUF_BAD_METADATA", `${shown(key)} should be true (1) or false (0), not ${value}.`);
  return { type, value: value === 1 };
}

function exact(value: number | bigint): number | bigint {
  const number = Number(value);
  return typeof value === "number" || Number.isSafeInteger(number) ? number : value;
}

function parseArray(cursor: Cursor, key: string): ArrayEntry {
  const elementType = valueType(cursor, key);
  if (elementType === "array") {
    throw cursor.error(
      "GGUF_NESTED_ARRAY",
      `${shown(key)} is an array of arrays, which no GGUF reader supports.`,
      "Write the file without this key.",
    );
  }
  const length = cursor.size();
  const bytesEach = elementType === "string" ? 8 : FIXED_BYTES[elementType];
  cursor.checkFits(length, bytesEach, `elements of ${shown(key)}`);
  const start = cursor.position;
  if (elementType === "string") {
    cursor.skipStrings(length, shown(key));
  } else {
    cursor.skip(length * bytesEach);
  }
  return { type: "array", elementType, length, start, end: cursor.position };
}

/** A key as messages show it: quoted, and short even if the file is hostile. */
function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}

function decodeArray(bytes: Uint8Array, { elementType, length, start, end }: ArrayEntry): GgufValue {
  if (elementType !== "string") return toNumbers(bytes, elementType, start, end);
  return decodeTexts(bytes, start, end, length).strings(); // no more than the header's bytes: each took 8 of them
}

/** Copies, since a header aligns nothing. */
function toNumbers(bytes: Uint8Array, type: GgufFixedType, start: number, end: number): GgufNumbers {
  const own = bytes.slice(start, end);
  const { buffer } = own;
  switch (type) {
    case "u8":
    case "bool":
      return own;
    case "i8":
      return new Int8Array(buffer);
    case "u16":
      return new Uint16Array(buffer);
    case "i16":
      return new Int16Array(buffer);
    case "u32":
      return new Uint32Array(buffer);
    case "i32":
      return new Int32Array(buffer);
    case "f32":
      return new Float32Array(buffer);
    case "u64":
      return new BigUint64Array(buffer);
    case "i64":
      return new BigInt64Array(buffer);
    case "f64":
      return new Float64Array(buffer);
    default:
      return type satisfies never;
  }
}
