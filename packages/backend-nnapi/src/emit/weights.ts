/** Weights as ONNX constants: converted row by row while the file is written, so that no tensor lies in memory twice. */
import { MilletError } from "@millet/core/errors";
import { dequantize, f16ToNumber, quantize } from "@millet/core/quant";
import { byteLength, rowByteLength, type WeightSource } from "@millet/core/tensor";
import type { OnnxTensor, OnnxTensorSource } from "../onnx/model.js";

/** Bytes of a tensor's rows that are converted at a time. */
const PIECE_BYTES = 4 * 2 ** 20;
const BLOCK = 32;

/** Rows of [rows, columns] one piece after the other, as their file has them. */
export async function* rowsOf(source: WeightSource): AsyncGenerator<Uint8Array> {
  const rowBytes = rowByteLength(source.spec);
  const total = byteLength(source.spec);
  const piece = new Uint8Array(Math.max(1, Math.floor(PIECE_BYTES / rowBytes)) * rowBytes);
  for (let at = 0; at < total; at += piece.byteLength) {
    const part = piece.subarray(0, Math.min(piece.byteLength, total - at));
    await source.readInto(at, part);
    yield part;
  }
}

function converted(
  source: WeightSource,
  length: number,
  convert: (rows: Uint8Array) => Uint8Array,
): OnnxTensorSource {
  return {
    byteLength: length,
    async *read() {
      for await (const rows of rowsOf(source)) yield convert(rows);
    },
  };
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** As float32, whatever its type. */
export function floatTensor(name: string, source: WeightSource): OnnxTensor {
  const { dtype, shape } = source.spec;
  const elements = shape.reduce((product, size) => product * size, 1);
  const data = converted(source, 4 * elements, (rows) => bytesOf(dequantize(dtype, rows)));
  return { name, dtype: "float32", dims: shape, data };
}

/** A float32 vector with each element divided by that of `divisors`. */
export function dividedTensor(tensor: OnnxTensor, divisors: Float32Array): OnnxTensor {
  const { data, name } = tensor;
  if (data === "external" || data instanceof Uint8Array) {
    throw new MilletError("INVALID_ARGUMENT", `Constant "${name}" is not read from a weight.`);
  }
  async function* read(source: OnnxTensorSource) {
    let at = 0;
    for await (const bytes of source.read()) {
      const floats = new Float32Array(bytes.slice().buffer);
      yield bytesOf(floats.map((x) => x / divisors[at++]!));
    }
  }
  const divided = { byteLength: data.byteLength, read: () => read(data) };
  return { ...tensor, name: `${name}.divided`, data: divided };
}

/** Operands of MatMulNBits: codes uint8[rows, blocks, bytes of a block] and scales f32[rows * blocks]. */
export interface BlockWeights {
  readonly bits: 4 | 8;
  readonly codes: OnnxTensor;
  readonly scales: OnnxTensor;
  /** What each block adds times the sum of its inputs, f32[rows, blocks]; of types whose blocks have a minimum. */
  readonly offsets?: OnnxTensor;
}

/** How a file's blocks of 32 become operands; (code - middle of the codes) * scale + offset is a weight. */
interface BlockLayout {
  readonly bits: 4 | 8;
  /** Where the codes begin in a block, after f16 numbers. */
  readonly header: number;
  readonly hasMinimum: boolean;
}

const LAYOUTS: Readonly<Partial<Record<string, BlockLayout>>> = {
  q4_0: { bits: 4, header: 2, hasMinimum: false },
  q4_1: { bits: 4, header: 4, hasMinimum: true },
  q8_0: { bits: 8, header: 2, hasMinimum: false },
};

/**
 * A matrix in blocks of 32, or undefined where its rows do not divide into them. q4_0, q4_1 and q8_0 keep their numbers;
 * other quantized types become q8_0 first, which has an error of its own.
 */
export function blockWeights(name: string, source: WeightSource): BlockWeights | undefined {
  const [rows, columns] = source.spec.shape as readonly [number, number];
  if (columns % BLOCK !== 0) return undefined;
  const { dtype } = source.spec;
  const layout = LAYOUTS[dtype];
  const { bits, header, hasMinimum } = layout ?? LAYOUTS.q8_0!;
  const blocks = columns / BLOCK;
  const codeBytes = (BLOCK * bits) / 8;
  const blockBytes = header + codeBytes;
  const part = (byteLength: number, convert: (blocks: Uint8Array) => Uint8Array) =>
    converted(source, byteLength, (bytes) =>
      convert(layout === undefined ? quantize("q8_0", dequantize(dtype, bytes)) : bytes),
    );
  const numbers = (of: NumberOfBlock) =>
    part(rows * blocks * 4, (bytes) => bytesOf(numbersOf(bytes, blockBytes, of)));
  const scale: NumberOfBlock = (bytes, block) => f16ToNumber(bytes.getUint16(block, true));
  const offset: NumberOfBlock = (bytes, block) =>
    f16ToNumber(bytes.getUint16(block + 2, true)) + 8 * scale(bytes, block);
  const floats = (suffix: string, dims: readonly number[], of: NumberOfBlock): OnnxTensor => ({
    name: `${name}.${suffix}`,
    dtype: "float32",
    dims,
    data: numbers(of),
  });
  const repack = bits === 4 ? codesOf4Bits : codesOf8Bits;
  return {
    bits,
    codes: {
      name: `${name}.codes`,
      dtype: "uint8",
      dims: [rows, blocks, codeBytes],
      data: part(rows * blocks * codeBytes, (bytes) => repack(bytes, header)),
    },
    scales: floats("scales", [rows * blocks], scale),
    ...(hasMinimum && { offsets: floats("offsets", [rows, blocks], offset) }),
  };
}

/** @param block where the block begins */
type NumberOfBlock = (bytes: DataView, block: number) => number;

/** A number of each block. */
function numbersOf(blocks: Uint8Array, blockBytes: number, of: NumberOfBlock): Float32Array {
  const bytes = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength);
  const numbers = new Float32Array(blocks.byteLength / blockBytes);
  for (let i = 0; i < numbers.length; i++) numbers[i] = of(bytes, i * blockBytes);
  return numbers;
}

/** GGUF holds elements i and i + 16 in a byte, MatMulNBits 2i and 2i + 1. */
function codesOf4Bits(blocks: Uint8Array, header: number): Uint8Array {
  const blockBytes = header + 16;
  const codes = new Uint8Array((blocks.byteLength / blockBytes) * 16);
  for (let from = header, to = 0; from < blocks.byteLength; from += blockBytes, to += 16) {
    for (let i = 0; i < 16; i++) {
      const byte = blocks[from + i]!;
      const shift = (i & 1) * 4;
      codes[to + (i >> 1)]! |= (byte & 15) << shift;
      codes[to + 8 + (i >> 1)]! |= (byte >> 4) << shift;
    }
  }
  return codes;
}

/** q8_0 is signed, MatMulNBits' 8-bit codes mean code - 128. */
function codesOf8Bits(blocks: Uint8Array, header: number): Uint8Array {
  const blockBytes = header + 32;
  const codes = new Uint8Array((blocks.byteLength / blockBytes) * 32);
  for (let from = header, to = 0; from < blocks.byteLength; from += blockBytes, to += 32) {
    for (let i = 0; i < 32; i++) codes[to + i] = blocks[from + i]! ^ 128;
  }
  return codes;
}
