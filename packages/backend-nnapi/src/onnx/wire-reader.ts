/**
 * Protocol Buffers' wire format, reading (protobuf.dev, "Encoding"): the fields of a message in order, without copying.
 * Every length is checked against what is there, so that no input makes it read or allocate beyond the message.
 */
import { MilletError } from "@millet/core/errors";
import { createUtf8Decoder } from "@millet/core/tensor";

/** A field as it lies in the message; `value` is a number of a varint or a fixed field's bytes as they are. */
export type WireField =
  | { readonly field: number; readonly kind: "varint"; readonly value: bigint }
  | { readonly field: number; readonly kind: "bytes"; readonly value: Uint8Array }
  | { readonly field: number; readonly kind: "fixed"; readonly value: DataView };

const utf8 = createUtf8Decoder();

/** @throws MilletError ONNX_MALFORMED, while it is iterated over */
export function* readFields(bytes: Uint8Array): Generator<WireField> {
  const cursor = new Cursor(bytes);
  while (!cursor.done) {
    const key = Number(cursor.varint());
    const field = Math.floor(key / 8);
    switch (key % 8) {
      case 0:
        yield { field, kind: "varint", value: cursor.varint() };
        break;
      case 1:
        yield { field, kind: "fixed", value: viewOf(cursor.take(8)) };
        break;
      case 2:
        yield { field, kind: "bytes", value: cursor.take(Number(cursor.varint())) };
        break;
      case 5:
        yield { field, kind: "fixed", value: viewOf(cursor.take(4)) };
        break;
      default:
        throw malformed(`a field of an unknown kind (${key % 8}) at byte ${cursor.position}`);
    }
  }
}

export function textOf(field: WireField): string {
  return utf8.decode(bytesOf(field));
}

export function bytesOf(field: WireField): Uint8Array {
  if (field.kind === "bytes") return field.value;
  throw malformed(`field ${field.field} is no text, bytes or message`);
}

/** A varint as a signed 64-bit number. */
export function intOf(field: WireField): number {
  if (field.kind === "varint") return signed(field.value);
  throw malformed(`field ${field.field} is no whole number`);
}

/** Numbers of a repeated field, packed or one by one. */
export function intsOf(field: WireField): number[] {
  if (field.kind !== "bytes") return [intOf(field)];
  const cursor = new Cursor(field.value);
  const values: number[] = [];
  while (!cursor.done) values.push(signed(cursor.varint()));
  return values;
}

export function floatsOf(field: WireField): number[] {
  if (field.kind === "fixed" && field.value.byteLength === 4) return [field.value.getFloat32(0, true)];
  const bytes = bytesOf(field);
  if (bytes.byteLength % 4 !== 0) throw malformed(`field ${field.field} holds no whole 32-bit numbers`);
  const view = viewOf(bytes);
  return Array.from({ length: bytes.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true));
}

export function malformed(what: string): MilletError {
  return new MilletError(
    "ONNX_MALFORMED",
    `The ONNX file is damaged: ${what}. Export it again, or check the download.`,
  );
}

const signed = (value: bigint): number => Number(BigInt.asIntN(64, value));
const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

class Cursor {
  readonly #bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.position >= this.#bytes.byteLength;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.position];
      if (byte === undefined) throw malformed("it ends within a number");
      this.position++;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw malformed(`a number longer than 64 bits at byte ${this.position}`);
  }

  take(length: number): Uint8Array {
    const left = this.#bytes.byteLength - this.position;
    if (length > left) throw malformed(`a field of ${length} bytes where ${left} are left`);
    this.position += length;
    return this.#bytes.subarray(this.position - length, this.position);
  }
}
