/** GGUF files in memory for tests, whole or damaged. */
import {
  type GgufContents,
  type GgufTensorContents,
  type GgufTypedValue,
  writeGguf,
} from "../../src/formats/gguf/index.js";
import type { ByteSource } from "../../src/store/index.js";

export async function makeGguf(contents: GgufContents): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  await writeGguf((bytes) => void pieces.push(bytes.slice()), contents);
  return new Uint8Array(Buffer.concat(pieces));
}

export const METADATA: [string, GgufTypedValue][] = [
  ["general.architecture", { type: "string", value: "llama" }],
  ["llama.block_count", { type: "u32", value: 2 }],
  ["llama.rope.freq_base", { type: "f32", value: 10000 }],
  ["some.flag", { type: "bool", value: true }],
  ["some.strings", { type: "array", elementType: "string", value: ["a", "Ġb", ""] }],
  ["some.numbers", { type: "array", elementType: "i32", value: [1, -2, 3] }],
];

/** A tensor with recognisable bytes. */
export function tensor(
  name: string,
  type: string,
  shape: number[],
  bytes: number,
  seed = 1,
): GgufTensorContents {
  return { name, type, shape, data: new Uint8Array(bytes).map((_, i) => i * 7 + seed) };
}

export const TENSORS = [
  tensor("token_embd.weight", "f32", [4, 3], 48, 1),
  tensor("blk.0.attn_q.weight", "q4_0", [2, 64], 72, 2),
  tensor("blk.1.attn_q.weight", "q8_0", [1, 32], 34, 3),
];

export const sample = (): Promise<Uint8Array<ArrayBuffer>> =>
  makeGguf({ metadata: METADATA, tensors: TENSORS });

/** Where each part of a written file lies, for damage at a known place. */
export function find(bytes: Uint8Array, text: string): number {
  const at = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).indexOf(text);
  if (at < 0) throw new Error(`${text} is not in the file`);
  return at;
}

/** `source` with some of its parts replaced. */
export function wrap(source: ByteSource, changes: Partial<ByteSource>): ByteSource {
  return {
    name: source.name,
    byteLength: source.byteLength,
    read: (...range) => source.read(...range),
    readInto: (...range) => source.readInto(...range),
    sibling: (...name) => source.sibling(...name),
    close: () => source.close(),
    ...changes,
  };
}
