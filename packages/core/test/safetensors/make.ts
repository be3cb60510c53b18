/** safetensors files in memory for tests, whole or with headers of any content. */
import { type SafetensorsContents, writeSafetensors } from "../../src/formats/safetensors/index.js";
import { quantize } from "../../src/quant/index.js";

export async function makeSafetensors(
  tensors: readonly SafetensorsContents[],
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  await writeSafetensors((bytes) => void pieces.push(bytes.slice()), tensors);
  return new Uint8Array(Buffer.concat(pieces));
}

/** A file of this header, whatever it says, and so many bytes of data. */
export function withHeader(header: unknown, dataBytes: number): Uint8Array<ArrayBuffer> {
  const json = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.byteLength));
  return new Uint8Array(Buffer.concat([length, json, new Uint8Array(dataBytes).fill(7)]));
}

/** A tensor with random values in [-1, 1), exact in bf16. */
export function tensor(
  name: string,
  type: "F32" | "F16" | "BF16",
  shape: readonly number[],
  seed = 1,
): SafetensorsContents {
  const count = shape.reduce((product, size) => product * size, 1);
  let state = seed * 2654435761;
  const values = Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 25) / 64 - 1;
  });
  return { name, type, shape, data: encodeFloats(type, values) };
}

export function encodeFloats(type: "F32" | "F16" | "BF16", values: Float32Array): Uint8Array {
  return quantize(({ F32: "f32", F16: "f16", BF16: "bf16" } as const)[type], values);
}
