/**
 * Finds the fields of a valid GGUF file: where each count, length, type tag and offset lies. Written from the
 * specification for the fuzzer alone, apart from the parser that it tries.
 */

export type FieldKind =
  | "magic"
  | "version"
  | "tensorCount"
  | "keyCount"
  | "length"
  | "text"
  | "type"
  | "elementType"
  | "count"
  | "value"
  | "dimensionCount"
  | "dimension"
  | "tensorType"
  | "offset";

export interface Field {
  readonly kind: FieldKind;
  readonly start: number;
  readonly length: number;
}

/** A repeatable part of the file: a key with its value, or a tensor's description. */
export interface Entry {
  readonly start: number;
  readonly end: number;
}

const SIZES: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  2: 2,
  3: 2,
  4: 4,
  5: 4,
  6: 4,
  7: 1,
  10: 8,
  11: 8,
  12: 8,
};
const STRING = 8;
const ARRAY = 9;

class Walker {
  readonly fields: Field[] = [];
  readonly entries: Entry[] = [];
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Notes a field and returns its value as a number. */
  field(kind: FieldKind, length: number): number {
    const start = this.#at;
    this.fields.push({ kind, start, length });
    this.#at += length;
    if (length === 4) return this.#view.getUint32(start, true);
    return length === 8 ? Number(this.#view.getBigUint64(start, true)) : 0;
  }

  string(): void {
    const length = this.field("length", 8);
    this.field("text", length);
  }

  value(type: number): void {
    if (type === STRING) this.string();
    else this.field("value", SIZES[type]!);
  }

  entry(walk: () => void): void {
    const start = this.#at;
    walk();
    this.entries.push({ start, end: this.#at });
  }

  keyAndValue(): void {
    this.string();
    const type = this.field("type", 4);
    if (type === ARRAY) this.array();
    else this.value(type);
  }

  array(): void {
    const elementType = this.field("elementType", 4);
    const count = this.field("count", 8);
    if (elementType !== STRING) this.field("value", count * SIZES[elementType]!);
    else for (let i = 0; i < count; i++) this.string();
  }

  tensor(): void {
    this.string();
    const dimensions = this.field("dimensionCount", 4);
    for (let i = 0; i < dimensions; i++) this.field("dimension", 8);
    this.field("tensorType", 4);
    this.field("offset", 8);
  }
}

/** The fields and entries of a valid file, in order. */
export function ggufFields(bytes: Uint8Array): {
  readonly fields: readonly Field[];
  readonly entries: readonly Entry[];
} {
  const walker = new Walker(bytes);
  walker.field("magic", 4);
  walker.field("version", 4);
  const tensors = walker.field("tensorCount", 8);
  const keys = walker.field("keyCount", 8);
  for (let i = 0; i < keys; i++) walker.entry(() => walker.keyAndValue());
  for (let i = 0; i < tensors; i++) walker.entry(() => walker.tensor());
  return walker;
}
