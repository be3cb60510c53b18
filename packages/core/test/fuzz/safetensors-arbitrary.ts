/** Small Hugging Face folders, sharded or packed by GPTQ or neither, and ways to damage them that know their structure. */
import fc from "fast-check";
import { SHAPES } from "../huggingface/folder.js";

type Json = Record<string, unknown>;

const CONFIG: Json = {
  model_type: "llama",
  hidden_size: 64,
  intermediate_size: 96,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
  vocab_size: 258,
  rope_theta: 10_000,
  rope_scaling: {
    rope_type: "llama3",
    factor: 8,
    low_freq_factor: 1,
    high_freq_factor: 4,
    original_max_position_embeddings: 64,
  },
  hidden_act: "silu",
  tie_word_embeddings: false,
  eos_token_id: [1, 2],
};
const TYPES = [
  "llama",
  "mistral",
  "qwen2",
  "qwen3",
  "mimo",
  "gemma2",
  "gemma3",
  "phi3",
  "smollm3",
  "olmo2",
  "granite",
];

const scalar = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, "", "x", -1, 0, 0.5, 1, 2, 3, 8, 31, 32, 33, 4096, -(2 ** 31)),
  fc.constantFrom<unknown>(2 ** 31, 2 ** 32, 2 ** 53, 2 ** 60, 1e300, 1e-300, Number.MAX_SAFE_INTEGER),
  fc.constantFrom<unknown>(
    "F32",
    "BF16",
    "F16",
    "I32",
    "I64",
    "BOOL",
    "F8_E4M3",
    "F4",
    "gptq",
    "linear",
    "yarn",
  ),
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 4 }) },
  { weight: 1, arbitrary: fc.dictionary(fc.string({ maxLength: 6 }), scalar, { maxKeys: 3 }) },
);
// Without fast-check's bias towards the ends: every place is as good as another.
const place = fc.noBias(fc.nat(0xffff)).map((number) => number / 0x10000);

/** Damage to JSON: `place` chooses a value, by its share of all of them. */
const edit = fc.record({
  place,
  kind: fc.constantFrom("set", "remove", "add", "shift"),
  value,
  key: fc.string({ maxLength: 8 }),
});
type Edit = typeof edit extends fc.Arbitrary<infer T> ? T : never;

/** Damage to bytes. */
const hit = fc.record({
  place,
  kind: fc.constantFrom("flip", "cut", "insert", "remove"),
  byte: fc.nat(255),
  length: fc.integer({ min: 1, max: 40 }),
});
type Hit = typeof hit extends fc.Arbitrary<infer T> ? T : never;

/** Every value within, with the object or list that holds it. */
function* slots(holder: Json | unknown[]): Generator<readonly [Json | unknown[], string]> {
  for (const [key, inner] of Object.entries(holder)) {
    yield [holder, key];
    if (typeof inner === "object" && inner !== null) yield* slots(inner as Json);
  }
}

function applyEdit(root: Json, { place, kind, value, key }: Edit): void {
  const all = [...slots(root)];
  const chosen = all[Math.floor(place * all.length)];
  if (!chosen) return;
  const holder = chosen[0] as Json;
  const old = holder[chosen[1]];
  if (kind === "remove") delete holder[chosen[1]];
  else if (kind === "add") holder[key] = value;
  else
    holder[chosen[1]] =
      kind === "shift" && typeof old === "number"
        ? old + (typeof value === "number" ? value % 64 : 1)
        : value;
}

function applyHit(bytes: Uint8Array, { place, kind, byte, length }: Hit): Uint8Array {
  const at = Math.floor(place * bytes.length);
  const cut = (from: number, middle: Uint8Array, to: number) =>
    new Uint8Array(Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)]));
  if (kind === "cut") return bytes.slice(0, at);
  if (kind === "insert") return cut(at, new Uint8Array(length).fill(byte), at);
  if (kind === "remove") return cut(at, new Uint8Array(), at + length);
  const copy = bytes.slice();
  if (at < copy.length) copy[at]! ^= 1 << (byte % 8);
  return copy;
}

interface Stored {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}

const WIDTHS: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, I32: 4 };

function headerOf(tensors: readonly Stored[]): { header: Json; dataBytes: number } {
  const header: Json = { __metadata__: { format: "pt" } };
  let at = 0;
  for (const { name, dtype, shape } of tensors) {
    const end = at + shape.reduce((a, b) => a * b, WIDTHS[dtype]!);
    header[name] = { dtype, shape: [...shape], data_offsets: [at, end] };
    at = end;
  }
  return { header, dataBytes: at };
}

function fileOf(header: Json, dataBytes: number, lengthBy: number): Uint8Array {
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(Math.max(0, json.byteLength + lengthBy)));
  return new Uint8Array(Buffer.concat([length, json, Buffer.alloc(dataBytes, 0x88)]));
}

/** The query matrix as GPTQ packs it. */
function packed(tensors: readonly Stored[]): Stored[] {
  return tensors.flatMap((tensor) => {
    if (!tensor.name.endsWith("q_proj.weight")) return [tensor];
    const base = tensor.name.slice(0, -"weight".length);
    return [
      { name: `${base}qweight`, dtype: "I32", shape: [8, 64] },
      { name: `${base}qzeros`, dtype: "I32", shape: [2, 8] },
      { name: `${base}scales`, dtype: "F16", shape: [2, 64] },
    ];
  });
}

const QUANTIZATION = { quant_method: "gptq", bits: 4, group_size: 32, sym: false, desc_act: false };

/** A folder with up to three edits of its JSON and one hit to the bytes of a file; or neither. */
export const damagedFolder: fc.Arbitrary<Record<string, Uint8Array>> = fc
  .record({
    type: fc.constantFrom(...TYPES),
    dtype: fc.constantFrom("F32", "F16", "BF16"),
    isPacked: fc.boolean(),
    isSharded: fc.boolean(),
    configEdits: fc.array(edit, { maxLength: 2 }),
    headerEdits: fc.array(edit, { maxLength: 2 }),
    indexEdits: fc.array(edit, { maxLength: 1 }),
    hits: fc.array(fc.tuple(place, hit), { maxLength: 1 }),
    lengthBy: fc.oneof(
      { weight: 9, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -40, max: 2 ** 40 }) },
    ),
  })
  .map(({ type, dtype, isPacked, isSharded, configEdits, headerEdits, indexEdits, hits, lengthBy }) => {
    const config = structuredClone({
      ...CONFIG,
      model_type: type,
      ...(isPacked && { quantization_config: QUANTIZATION }),
    });
    for (const each of configEdits) applyEdit(config, each);
    const plain = SHAPES.map(([name, shape]) => ({ name, dtype, shape }));
    const tensors = isPacked ? packed(plain) : plain;
    const shards = isSharded ? [tensors.slice(0, 5), tensors.slice(5)] : [tensors];
    const files: Record<string, Uint8Array> = { "config.json": Buffer.from(JSON.stringify(config)) };
    const map: Json = {};
    shards.forEach((each, i) => {
      const name = isSharded ? `model-${i + 1}.safetensors` : "model.safetensors";
      const { header, dataBytes } = headerOf(each);
      if (i === 0) for (const one of headerEdits) applyEdit(header, one);
      files[name] = fileOf(header, dataBytes, i === 0 ? lengthBy : 0);
      for (const tensor of each) map[tensor.name] = name;
    });
    if (isSharded) {
      const index = { metadata: {}, weight_map: map };
      for (const each of indexEdits) applyEdit(index, each);
      files["model.safetensors.index.json"] = Buffer.from(JSON.stringify(index));
    }
    files["tokenizer_config.json"] = Buffer.from('{"chat_template":"{{ 1 }}"}');
    for (const [which, each] of hits) {
      const names = Object.keys(files);
      const name = names[Math.floor(which * names.length)]!;
      files[name] = applyHit(files[name]!, each);
    }
    return files;
  });
