/** Appends little-endian values to a growing buffer: what GGUF headers are written with. */
import {
  FIXED_BYTES,
  GGUF_VALUE_TYPES,
  type GgufFixedType,
  type GgufTypedValue,
  type GgufValueType,
} from "./values.js";

const encoder = new TextEncoder();

type Setter = (view: DataView, at: number, value: number | bigint) => void;

const SETTERS: Readonly<Record<GgufFixedType, Setter>> = {
  u8: (view, at, value) => view.setUint8(at, Number(value)),
  i8: (view, at, value) => view.setInt8(at, Number(value)),
  u16: (view, at, value) => view.setUint16(at, Number(value), true),
  i16: (view, at, value) => view.setInt16(at, Number(value), true),
  u32: (view, at, value) => view.setUint32(at, Number(value), true),
  i32: (view, at, value) => view.setInt32(at, Number(value), true),
  f32: (view, at, value) => view.setFloat32(at, Number(value), true),
  bool: (view, at, value) => view.setUint8(at, Number(value)),
  u64: (view, at, value) => view.setBigUint64(at, BigInt(value), true),
  i64: (view, at, value) => view.setBigInt64(at, BigInt(value), true),
  f64: (view, at, value) => view.setFloat64(at, Number(value), true),
};

export class ByteWriter {
  #bytes = new Uint8Array(1 << 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get byteLength(): number {
    return this.#length;
  }

  /** What was written; shares memory with the writer. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Makes room for `length` bytes and returns where they begin. */
  #reserve(length: number): number {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.byteLength) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.byteLength));
      grown.set(this.#bytes.subarray(0, start));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return start;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, at);
  }

  /** One number of a fixed-size type. */
  fixed(type: GgufFixedType, value: number | bigint): void {
    const at = this.#reserve(FIXED_BYTES[type]);
    SETTERS[type](this.#view, at, value);
  }

  string(text: string): void {
    const bytes = encoder.encode(text);
    this.fixed("u64", bytes.byteLength);
    this.raw(bytes);
  }

  valueType(type: GgufValueType): void {
    this.fixed("u32", GGUF_VALUE_TYPES.indexOf(type));
  }

  /** A metadata value behind its type. */
  value(typed: GgufTypedValue): void {
    this.valueType(typed.type);
    if (typed.type === "string") this.string(typed.value);
    else if (typed.type === "array") this.#elements(typed);
    else this.fixed(typed.type, typed.type === "bool" ? Number(typed.value) : typed.value);
  }

  #elements(array: Extract<GgufTypedValue, { type: "array" }>): void {
    this.valueType(array.elementType);
    this.fixed("u64", array.value.length);
    if (array.elementType === "string") {
      for (const text of array.value) this.string(text);
    } else {
      for (let i = 0; i < array.value.length; i++) this.fixed(array.elementType, array.value[i]!);
    }
  }

  /** Zeros up to the next multiple of `alignment`. */
  pad(alignment: number): void {
    const rest = this.#length % alignment;
    if (rest > 0) this.raw(new Uint8Array(alignment - rest));
  }
}
