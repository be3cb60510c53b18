/** GPTQ and AWQ matrices: packed here by the layouts' own rules, and every value must come out exactly. */
import { describe, expect, it } from "vitest";
import { openContainer } from "../../src/formats/index.js";
import type { SafetensorsContents } from "../../src/formats/safetensors/index.js";
import { dequantize, f16ToNumber } from "../../src/quant/index.js";
import { openSource } from "../../src/store/index.js";
import { byteLength } from "../../src/tensor/tensor.js";
import { makeSafetensors } from "../safetensors/make.js";
import { CONFIG, filesOf, json, makeFolder, TENSORS } from "./folder.js";

const UP = "model.layers.0.mlp.up_proj";
const [ROWS, COLUMNS, GROUP] = [96, 64, 32];

let state = 7;
const random = (below: number) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * below);
};

interface Numbers {
  /** [COLUMNS][ROWS] */
  readonly codes: number[][];
  /** [groups][ROWS], the zeros as they are meant. */
  readonly zeros: number[][];
  /** f16 bits. */
  readonly scales: number[][];
}

function numbers(bits: number, zeroFrom: number, zeroCount: number, group: number): Numbers {
  const grid = (lines: number, make: () => number) =>
    Array.from({ length: lines }, () => Array.from({ length: ROWS }, make));
  return {
    codes: grid(COLUMNS, () => random(2 ** bits)),
    zeros: grid(COLUMNS / group, () => zeroFrom + random(zeroCount)),
    scales: grid(COLUMNS / group, () => 0x2000 + random(0x0800)),
  };
}

const i32 = (name: string, shape: number[], words: number[]): SafetensorsContents => ({
  name: `${UP}.${name}`,
  type: "I32",
  shape,
  data: new Uint8Array(Int32Array.from(words).buffer),
});
const f16 = (scales: number[][]): SafetensorsContents => ({
  name: `${UP}.scales`,
  type: "F16",
  shape: [scales.length, ROWS],
  data: new Uint8Array(Uint16Array.from(scales.flat()).buffer),
});

/** Groups of `each` values into words, value `order[i]` at place i. */
function pack(values: readonly number[], bits: number, order?: readonly number[]): number[] {
  const each = 32 / bits;
  return Array.from({ length: values.length / each }, (_, word) =>
    Array.from({ length: each }, (_, i) => values[word * each + (order?.[i] ?? i)]! * 2 ** (bits * i)).reduce(
      (a, b) => a + b,
    ),
  ).map((word) => word | 0);
}

/** AutoGPTQ: columns of a row in a word; of zeros the rows, less one in version 1. */
function gptq({ codes, zeros, scales }: Numbers, bits: number, version: 1 | 2): SafetensorsContents[] {
  const each = 32 / bits;
  const words = Array.from({ length: COLUMNS / each }, (_, line) =>
    Array.from(
      { length: ROWS },
      (_, row) =>
        pack(
          codes.slice(line * each, (line + 1) * each).map((x) => x[row]!),
          bits,
        )[0]!,
    ),
  );
  const shift = version === 1 ? 1 : 0;
  const zeroWords = zeros.map((line) =>
    pack(
      line.map((zero) => zero - shift),
      bits,
    ),
  );
  return [
    i32(
      "g_idx",
      [COLUMNS],
      Array.from({ length: COLUMNS }, (_, i) => Math.floor(i / (COLUMNS / zeros.length))),
    ),
    i32("qweight", [COLUMNS / each, ROWS], words.flat()),
    i32("qzeros", [zeros.length, ROWS / each], zeroWords.flat()),
    f16(scales),
  ];
}

const AWQ = [0, 2, 4, 6, 1, 3, 5, 7];

/** AutoAWQ: rows of a column in a word, in its own order. */
function awq({ codes, zeros, scales }: Numbers): SafetensorsContents[] {
  return [
    i32(
      "qweight",
      [COLUMNS, ROWS / 8],
      codes.flatMap((line) => pack(line, 4, AWQ)),
    ),
    i32(
      "qzeros",
      [zeros.length, ROWS / 8],
      zeros.flatMap((line) => pack(line, 4, AWQ)),
    ),
    f16(scales),
  ];
}

async function open(parts: readonly SafetensorsContents[], quantization: object) {
  const rest = TENSORS.filter(({ name }) => name !== `${UP}.weight`);
  const config = { ...CONFIG, quantization_config: quantization };
  const weights = await makeSafetensors([...rest, ...parts]);
  const folder = await makeFolder({ "config.json": json(config), "model.safetensors": weights });
  return openContainer(await openSource(filesOf(folder)));
}

async function check(
  parts: readonly SafetensorsContents[],
  quantization: object,
  dtype: string,
  expected: Numbers,
) {
  const { weights } = await open(parts, quantization);
  const weight = weights.get("blk.0.ffn_up.weight")!;
  expect(weight.spec).toEqual({ dtype, shape: [ROWS, COLUMNS] });
  const bytes = new Uint8Array(byteLength(weight.spec));
  const half = Math.floor(bytes.length / 2);
  await weight.readInto(0, bytes.subarray(0, half));
  await weight.readInto(half, bytes.subarray(half));
  const group = COLUMNS / expected.zeros.length;
  const values = Float32Array.from({ length: ROWS * COLUMNS }, (_, at) => {
    const [row, column] = [Math.floor(at / COLUMNS), at % COLUMNS];
    const line = Math.floor(column / group);
    return (
      f16ToNumber(expected.scales[line]![row]!) *
      (expected.codes[column]![row]! - expected.zeros[line]![row]!)
    );
  });
  expect(dequantize(weight.spec.dtype, bytes).map((value) => value + 0)).toEqual(
    values.map((value) => value + 0),
  );
  expect(weights.get("blk.0.ffn_gate.weight")!.spec.dtype).toBe("q8_0"); // what is not packed is quantized as ever
}

describe("are exact", () => {
  const config = { quant_method: "gptq", bits: 4, group_size: GROUP, desc_act: false };
  it("symmetric GPTQ as q4_0", async () => {
    const expected = numbers(4, 8, 1, GROUP);
    await check(gptq(expected, 4, 1), { ...config, sym: true }, "q4_0", expected);
  });
  it("GPTQ with zeros as q5_0", async () => {
    const expected = numbers(4, 1, 16, GROUP);
    await check(gptq(expected, 4, 1), { ...config, sym: false }, "q5_0", expected);
  });
  it("GPTQ of version 2, one group for a row", async () => {
    const expected = numbers(4, 0, 16, COLUMNS);
    const v2 = { ...config, group_size: -1, sym: false, checkpoint_format: "gptq_v2" };
    await check(gptq(expected, 4, 2), v2, "q5_0", expected);
  });
  it("symmetric GPTQ of 8 bits as q8_0", async () => {
    const expected = numbers(8, 128, 1, GROUP);
    await check(gptq(expected, 8, 1), { ...config, bits: 8, sym: true }, "q8_0", expected);
  });
  it("AWQ as q5_0", async () => {
    const expected = numbers(4, 0, 16, GROUP);
    const config = { quant_method: "awq", bits: 4, group_size: GROUP, version: "gemm", zero_point: true };
    await check(awq(expected), config, "q5_0", expected);
  });
});

describe("are refused with the reason", () => {
  const good = { quant_method: "gptq", bits: 4, group_size: GROUP, sym: true, desc_act: false };
  const parts = gptq(numbers(4, 8, 1, GROUP), 4, 1);
  it.each<[string, object]>([
    ["desc_act reorders the columns", { desc_act: true }],
    ["groups of 16 columns", { group_size: 16 }],
    ["gptq with 3 bits", { bits: 3 }],
    ["gptq with 8 bits and zeros", { bits: 8, sym: false }],
    ['the layout "marlin" is not known', { checkpoint_format: "marlin" }],
    ['quantized by "compressed-tensors"', { quant_method: "compressed-tensors" }],
  ])("%s", async (reason, change) => {
    await expect(open(parts, { ...good, ...change })).rejects.toMatchObject({
      code: "MODEL_UNSUPPORTED_QUANTIZATION",
      message: expect.stringContaining(reason),
    });
  });

  it("missing or misshapen parts", async () => {
    for (const [name, change] of [
      ["scales", undefined],
      ["scales", f16([[1], [2]].map((line) => [...line, ...Array(ROWS - 1).fill(1)]).slice(1))],
      ["qweight", i32("qweight", [COLUMNS / 8, ROWS - 8], Array((COLUMNS / 8) * (ROWS - 8)).fill(0))],
    ] as const) {
      const changed = parts.flatMap((part) => (part.name === `${UP}.${name}` ? (change ?? []) : part));
      await expect(open(changed, good)).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED_QUANTIZATION" });
    }
  });

  it("zeros in a model that is called symmetric", async () => {
    const { weights } = await open(gptq(numbers(4, 1, 16, GROUP), 4, 1), good);
    const read = weights.get("blk.0.ffn_up.weight")!.readInto(0, new Uint8Array(1));
    await expect(read).rejects.toMatchObject({ code: "MODEL_UNSUPPORTED_QUANTIZATION" });
  });
});
