/**
 * Matrices that GPTQ or AWQ packed: value = scale * (q - zero), with an f16 scale and a zero for each group of columns. Block
 * types hold that exactly where a group divides into blocks of 32: symmetric 4 bits (zero 8) are q4_0; other zeros make
 * q - zero a number of 5 bits, so q5_0; symmetric 8 bits (zero 128) are q8_0. No value is rounded.
 * Sources: Frantar et al. 2022 (GPTQ, arXiv 2210.17323) and Lin et al. 2023 (AWQ, arXiv 2306.00978) with the layouts of
 * AutoGPTQ ("gptq", "gptq_v2") and AutoAWQ ("gemm").
 */
import { MilletError } from "../../errors.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import type { WeightSource } from "../../tensor/weights.js";
import type { StoredTensor } from "../safetensors/index.js";
import { bandedWeight } from "./banded.js";
import { type BlockWriter, blockWriter } from "./blocks.js";
import { Config, shown } from "./config.js";
import { withBytes } from "./scratch.js";
import { placeOf } from "./values.js";

/** How a folder's matrices are packed. */
export interface PackedForm {
  readonly method: "gptq" | "awq";
  readonly bits: 4 | 8;
  /** Columns that share a scale; -1: all. */
  readonly groupColumns: number;
  readonly symmetric: boolean;
  /** Added to the zeros that files hold. */
  readonly zeroOffset: 0 | 1;
  /** What they become. */
  readonly dtype: "q4_0" | "q5_0" | "q8_0";
}

/** Reads `quantization_config`. @throws MilletError MODEL_UNSUPPORTED_QUANTIZATION with the reason */
export function packedForm(config: Config): PackedForm | undefined {
  const given = config.object("quantization_config");
  if (!given) return undefined;
  const read = new Config(given);
  const method = read.get("quant_method");
  if (method !== "gptq" && method !== "awq") throw unsupported(`the model is quantized by ${shown(method)}`);
  const bits = read.number("bits", "w_bit");
  const groupColumns = read.number("group_size", "q_group_size");
  const symmetric = method === "gptq" ? read.boolean("sym", true) : read.get("zero_point") === false;
  const layout = read.get(...(method === "gptq" ? ["checkpoint_format"] : ["version"])) ?? method;
  if (bits !== 4 && !(bits === 8 && method === "gptq" && symmetric)) {
    throw unsupported(`${method} with ${bits} bits${symmetric ? "" : " and zeros"} fits no block type`);
  }
  if (groupColumns !== -1 && (groupColumns <= 0 || groupColumns % 32 !== 0)) {
    throw unsupported(`groups of ${groupColumns} columns do not divide into blocks of 32`);
  }
  if (read.get("desc_act") === true) {
    throw unsupported("desc_act reorders the columns, so that no 32 in a row share a scale");
  }
  if (!["gptq", "gptq_v2", "awq", "gemm", "GEMM"].some((known) => known === layout)) {
    throw unsupported(`the layout ${shown(layout)} is not known`);
  }
  const dtype = bits === 8 ? "q8_0" : symmetric ? "q4_0" : "q5_0";
  const zeroOffset = layout === "gptq" ? 1 : 0;
  return { method, bits, groupColumns, symmetric, zeroOffset, dtype };
}

function unsupported(reason: string): MilletError {
  return new MilletError(
    "MODEL_UNSUPPORTED_QUANTIZATION",
    `config.json: ${reason}, so Millet cannot take its weights without loss. Get the model in BF16 or F16, or as GGUF.`,
    { details: { reason } },
  );
}

interface Parts {
  readonly qweight: StoredTensor;
  readonly scales: StoredTensor;
  readonly qzeros: StoredTensor | undefined;
}

/** Packed matrices by the name that they would have unpacked, and all other tensors. */
export function packedParts(tensors: ReadonlyMap<string, StoredTensor>, form: PackedForm | undefined) {
  const packed = new Map<string, Parts>();
  const rest = new Map(tensors);
  for (const [name, qweight] of form ? tensors : []) {
    if (!name.endsWith(".qweight")) continue;
    const base = name.slice(0, -".qweight".length);
    const part = (key: string) => {
      rest.delete(`${base}.${key}`);
      return tensors.get(`${base}.${key}`);
    };
    part("qweight");
    part("g_idx"); // without desc_act: column / group size
    const [scales, qzeros] = [part("scales"), part("qzeros")];
    if (!scales || (!qzeros && !form?.symmetric)) throw unsupported(`${base} lacks its scales or zeros`);
    packed.set(`${base}.weight`, { qweight, scales, qzeros });
  }
  return { packed, rest };
}

/** AutoAWQ's order of the eight values in a word. */
const AWQ_ORDER = [0, 4, 1, 5, 2, 6, 3, 7];

/** @throws MilletError MODEL_UNSUPPORTED_QUANTIZATION if shapes or types are not as the layout has them */
export function packedWeight(parts: Parts, form: PackedForm): WeightSource {
  const { qweight, scales, qzeros } = parts;
  const perWord = 32 / form.bits;
  const [a = 0, b = 0] = qweight.shape;
  const [columns, rows] = form.method === "gptq" ? [a * perWord, b] : [a, b * perWord];
  const groupColumns = form.groupColumns === -1 ? columns : form.groupColumns;
  const groups = Math.ceil(columns / groupColumns);
  check(qweight, "i32", qweight.shape.length === 2 && columns % 32 === 0 && columns > 0);
  check(scales, "f16", isShape(scales, [groups, rows]));
  if (qzeros) check(qzeros, "i32", isShape(qzeros, [groups, rows / perWord]));
  const unpack = form.method === "gptq" ? gptqCodes : awqCodes;
  const write: BlockWriter = blockWriter(form.dtype);
  const { blockBytes } = DTYPES[form.dtype];
  const oneFile = scales.source === qweight.source && (!qzeros || qzeros.source === qweight.source);
  const place = oneFile ? placeOf(qweight, `${form.method} as ${form.dtype}`) : undefined;
  return bandedWeight({ dtype: form.dtype, shape: [rows, columns] }, place, (first, _, bytes, signal) =>
    withBytes(32 * rows, async (codes /* [rows, 32] */) => {
      const group = Math.floor(first / groupColumns);
      const zeros = new Int32Array(rows).fill(2 ** (form.bits - 1));
      if (qzeros) await readZeros(qzeros, form, group, zeros, signal);
      await unpack(qweight, form.bits, first, rows, codes, signal);
      await withBytes(2 * rows, async (scale) => {
        await scales.source.readInto(scales.offset + 2 * group * rows, scale, signal);
        for (let row = 0; row < rows; row++) {
          const bits = scale[2 * row]! | (scale[2 * row + 1]! << 8);
          write(bytes, row * blockBytes, bits, codes, 32 * row, zeros[row]!);
        }
      });
    }),
  );
}

function isShape({ shape }: StoredTensor, expected: readonly number[]): boolean {
  return shape.length === expected.length && shape.every((size, i) => size === expected[i]);
}

function check(tensor: StoredTensor, dtype: DType, fits: boolean): void {
  if (fits && tensor.type.dtype === dtype) return;
  const actual = `${tensor.type.name}[${tensor.shape.join(", ")}]`;
  throw unsupported(`${tensor.name} is ${actual}, which is not what the layout asks for (${dtype})`);
}

/** GPTQ: a word holds consecutive columns of one row. */
async function gptqCodes(
  { source, offset }: StoredTensor,
  bits: number,
  first: number,
  rows: number,
  codes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const perWord = 32 / bits;
  await withBytes(bits * 4 * rows, async (bytes) => {
    await source.readInto(offset + (first / perWord) * rows * 4, bytes, signal);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bits * rows);
    const mask = 2 ** bits - 1;
    for (let at = 0; at < words.length; at++) {
      const [line, row] = [Math.floor(at / rows), at % rows];
      for (let i = 0; i < perWord; i++)
        codes[32 * row + line * perWord + i] = (words[at]! >>> (bits * i)) & mask;
    }
  });
}

/** AWQ: a word holds eight rows of one column. */
async function awqCodes(
  { source, offset }: StoredTensor,
  _bits: number,
  first: number,
  rows: number,
  codes: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const width = rows / 8;
  await withBytes(32 * width * 4, async (bytes) => {
    await source.readInto(offset + first * width * 4, bytes, signal);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, 32 * width);
    for (let at = 0; at < words.length; at++) {
      const [column, word] = [Math.floor(at / width), at % width];
      for (let i = 0; i < 8; i++) {
        codes[32 * (8 * word + i) + column] = (words[at]! >>> (4 * AWQ_ORDER[i]!)) & 15;
      }
    }
  });
}

/** The zeros of one group's rows. @throws MilletError MODEL_UNSUPPORTED_QUANTIZATION if a symmetric model has others than the middle */
async function readZeros(
  { name, source, offset }: StoredTensor,
  { bits, method, symmetric, zeroOffset }: PackedForm,
  group: number,
  zeros: Int32Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  const perWord = 32 / bits;
  const width = zeros.length / perWord;
  await withBytes(4 * width, async (bytes) => {
    await source.readInto(offset + 4 * group * width, bytes, signal);
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, width);
    for (let row = 0; row < zeros.length; row++) {
      const i = row % perWord;
      const shift = bits * (method === "awq" ? AWQ_ORDER[i]! : i);
      zeros[row] = ((words[Math.floor(row / perWord)]! >>> shift) & (2 ** bits - 1)) + zeroOffset;
    }
  });
  const middle = 2 ** (bits - 1);
  if (symmetric && zeros.some((zero) => zero !== middle)) {
    throw unsupported(`${name} has zeros other than ${middle}, although the model is called symmetric`);
  }
}
