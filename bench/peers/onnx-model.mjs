// Writes an ONNX file with a decoder's matrix products and nothing else: MatMulNBits (4 bits, blocks of 32, int8
// activations), random weights, q, k and v in one. No norms, no attention: its speed is more than any whole decoder
// could reach on that runtime. Format: onnx.proto3 of the ONNX project, encoded as Protocol Buffers.
import { randomFillSync } from "node:crypto";
import { open } from "node:fs/promises";

const FLOAT = 1;
const UINT8 = 2;
const INT64 = 7;
const INT_ATTRIBUTE = 2;
const BLOCK = 32;

/** A message is a list of byte chunks, so that weights are never copied. */
const lengthOf = (chunks) => chunks.reduce((sum, chunk) => sum + chunk.length, 0);

function varint(value) {
  const bytes = [];
  for (let rest = BigInt.asUintN(64, BigInt(value)); ; rest >>= 7n) {
    if (rest < 128n) return Uint8Array.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 127n) | 128);
  }
}

const integer = (field, value) => [varint(field << 3), varint(value)];
const message = (field, ...parts) => {
  const chunks = parts.flat();
  return [varint((field << 3) | 2), varint(lengthOf(chunks)), ...chunks];
};
const text = (field, value) => message(field, [Buffer.from(value)]);

const tensor = (name, type, dims, bytes) =>
  message(5, ...dims.map((dim) => integer(1, dim)), integer(2, type), text(8, name), message(9, [bytes]));

const indices = (name, values) =>
  tensor(name, INT64, [values.length], Buffer.from(BigInt64Array.from(values, BigInt).buffer));

const attribute = ([name, value]) => message(5, text(1, name), integer(3, value), integer(20, INT_ATTRIBUTE));

const node = (op, inputs, output, attributes = {}, domain = "") =>
  message(
    1,
    ...inputs.map((name) => text(1, name)),
    text(2, output),
    text(3, output),
    text(4, op),
    ...Object.entries(attributes).map(attribute),
    text(7, domain),
  );

const value = (field, name, width) => {
  const dims = [message(1, text(2, `${name}_rows`)), message(1, integer(1, width))];
  return message(field, text(1, name), message(2, message(1, integer(1, FLOAT), message(2, ...dims))));
};

/** The product of `input` by a random matrix that keeps the size of the values. */
function product(input, output, columns, rows) {
  const blocks = columns / BLOCK;
  const scales = new Float32Array(rows * blocks).fill(1 / (4.6 * Math.sqrt(columns))); // 4.6: deviation of 0 … 15
  return [
    tensor(`${output}_w`, UINT8, [rows, blocks, BLOCK / 2], randomFillSync(Buffer.alloc(rows * blocks * 16))),
    tensor(`${output}_s`, FLOAT, [rows * blocks], Buffer.from(scales.buffer)),
    node(
      "MatMulNBits",
      [input, `${output}_w`, `${output}_s`],
      output,
      { K: columns, N: rows, bits: 4, block_size: BLOCK, accuracy_level: 4 },
      "com.microsoft",
    ),
  ];
}

function layer(index, input, { hidden, heads, kvHeads, ffn }) {
  const name = (part) => `${part}${index}`;
  const width = hidden + ((2 * hidden) / heads) * kvHeads;
  return [
    ...product(input, name("qkv"), hidden, width),
    node("Slice", [name("qkv"), "zero", "hidden", "one"], name("q")),
    ...product(name("q"), name("o"), hidden, hidden),
    ...product(name("o"), name("gate"), hidden, ffn),
    ...product(name("o"), name("up"), hidden, ffn),
    node("Add", [name("gate"), name("up")], name("sum")),
    ...product(name("sum"), name("down"), ffn, hidden),
  ];
}

/** @param {object} shape one of scripts/random-model/shapes.ts */
export async function writeProducts(path, shape) {
  const { hidden, layers, vocab } = shape;
  const graph = message(
    7,
    ...Array.from({ length: layers }, (_, i) => layer(i, i === 0 ? "x" : `down${i - 1}`, shape)).flat(),
    // As in a decoder, only the last row meets the output matrix.
    node("Slice", [`down${layers - 1}`, "minus_one", "end", "zero"], "last"),
    ...product("last", "y", hidden, vocab),
    text(2, "products"),
    indices("zero", [0]),
    indices("one", [1]),
    indices("minus_one", [-1]),
    indices("hidden", [hidden]),
    indices("end", [2 ** 31 - 1]),
    value(11, "x", hidden),
    value(12, "y", vocab),
  );
  const opsets = [
    message(8, text(1, ""), integer(2, 17)),
    message(8, text(1, "com.microsoft"), integer(2, 1)),
  ];
  const file = await open(path, "w");
  for (const chunk of [...integer(1, 8), ...graph, ...opsets.flat()]) await file.writeFile(chunk);
  await file.close();
}
