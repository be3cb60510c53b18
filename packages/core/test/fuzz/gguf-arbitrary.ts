/** Valid small GGUF files, and ways to damage them that know their structure. */
import fc from "fast-check";
import { GGML_TYPES, type GgufContents, type GgufTypedValue } from "../../src/formats/gguf/index.js";
import { type Entry, type Field, ggufFields } from "./gguf-fields.js";

const INTEGERS = ["u8", "i8", "u16", "i16", "u32", "i32"] as const;
const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: "binary", maxLength: 6 }));

const scalar: fc.Arbitrary<GgufTypedValue> = fc.oneof(
  fc.record({ type: fc.constantFrom(...INTEGERS), value: fc.nat(100) }),
  fc.record({ type: fc.constantFrom("f32" as const, "f64" as const), value: fc.double() }),
  fc.record({ type: fc.constant("u64" as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
  fc.record({
    type: fc.constant("i64" as const),
    value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  }),
  fc.record({ type: fc.constant("bool" as const), value: fc.boolean() }),
  fc.record({ type: fc.constant("string" as const), value: text }),
);
const array: fc.Arbitrary<GgufTypedValue> = fc.oneof(
  fc.record({
    type: fc.constant("array" as const),
    elementType: fc.constant("string" as const),
    value: fc.array(text, { maxLength: 8 }),
  }),
  fc.record({
    type: fc.constant("array" as const),
    elementType: fc.constantFrom(...INTEGERS, "f32" as const, "u64" as const, "bool" as const),
    value: fc.array(fc.nat(1), { maxLength: 8 }),
  }),
);

/** Keys whose values mean something to the reader, among any others. */
const known: fc.Arbitrary<[string, GgufTypedValue]> = fc.constantFrom<[string, GgufTypedValue]>(
  ["general.architecture", { type: "string", value: "llama" }],
  ["general.alignment", { type: "u32", value: 64 }],
  ["split.count", { type: "u16", value: 2 }],
  ["split.no", { type: "u16", value: 0 }],
  ["split.tensors.count", { type: "i32", value: 3 }],
);
const entry = fc.oneof(
  { weight: 1, arbitrary: known },
  { weight: 3, arbitrary: fc.tuple(text, fc.oneof(scalar, array)) },
);

const sized = [...GGML_TYPES.values()].filter((type) => type.block);
const tensor = fc
  .record({
    name: text,
    type: fc.constantFrom(...sized),
    rows: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }),
    blocks: fc.integer({ min: 1, max: 2 }),
  })
  .map(({ name, type, rows, blocks }) => {
    const { elements, bytes } = type.block!;
    const size = rows.reduce((a, b) => a * b, blocks * bytes);
    return {
      name,
      type: type.name,
      shape: [...rows, blocks * elements],
      data: new Uint8Array(size).fill(size),
    };
  });

/** Contents of a valid file of a few kilobytes. */
export const contents: fc.Arbitrary<GgufContents> = fc.record({
  version: fc.constantFrom(2 as const, 3 as const),
  metadata: fc.uniqueArray(entry, { selector: ([key]) => key, maxLength: 8 }),
  tensors: fc.uniqueArray(tensor, { selector: ({ name }) => name, maxLength: 5 }),
});

/** Numbers at which counts, lengths and offsets go wrong. */
const NASTY = [
  0n,
  1n,
  2n,
  4n,
  5n,
  7n,
  8n,
  9n,
  12n,
  13n,
  31n,
  32n,
  33n,
  64n,
  255n,
  4096n,
  2n ** 16n,
  2n ** 20n,
  2n ** 25n,
];
const HUGE = [
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 32n,
  2n ** 40n,
  2n ** 53n,
  2n ** 61n,
  2n ** 63n,
  2n ** 64n - 1n,
];
const nasty = fc.constantFrom(...NASTY, ...HUGE);
// Without fast-check's bias towards the ends: every place is as good as another.
const place = fc.noBias(fc.nat(0xffff)).map((value) => value / 0x10000);

/** One step of damage; `place` picks a field, an entry or a byte by its share of the whole. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("set" as const), place, value: nasty }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("add" as const),
      place,
      value: fc.integer({ min: -40, max: 40 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("truncate" as const), place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("repeat" as const), place, count: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("remove" as const),
      place,
      length: fc.integer({ min: 1, max: 40 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("insert" as const),
      place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 40 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("flip" as const), place, bit: fc.nat(7) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("preamble" as const), place, value: nasty }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Up to three steps of damage; no step leaves the file valid. */
export const damage: fc.Arbitrary<readonly Step[]> = fc.array(step, { maxLength: 3 });

const PREAMBLE_BYTES = 24;

/** A damaged copy of a valid file. */
export function applyDamage(valid: Uint8Array, steps: readonly Step[]): Uint8Array {
  const { fields, entries } = ggufFields(valid);
  return steps.reduce<Uint8Array>((bytes, each) => applyStep(bytes, each, fields, entries), valid.slice());
}

function pick<T>(list: readonly T[], place: number): T | undefined {
  return list[Math.floor(place * list.length)];
}

function applyStep(
  bytes: Uint8Array,
  step: Step,
  fields: readonly Field[],
  entries: readonly Entry[],
): Uint8Array {
  const numbers = fields.filter(({ kind, start }) => kind !== "text" && start >= PREAMBLE_BYTES);
  const at = PREAMBLE_BYTES + Math.floor(step.place * Math.max(0, bytes.length - PREAMBLE_BYTES));
  switch (step.kind) {
    case "set":
      return write(bytes, pick(numbers, step.place), () => step.value);
    case "add":
      return write(bytes, pick(numbers, step.place), (old) => old + BigInt(step.value));
    case "preamble":
      return write(bytes, pick(fields.slice(0, 4), step.place), () => step.value);
    case "truncate":
      return bytes.slice(0, at);
    case "remove":
      return splice(bytes, at, step.length, new Uint8Array());
    case "insert":
      return splice(bytes, at, 0, step.bytes);
    case "flip":
      if (at < bytes.length) bytes[at]! ^= 1 << step.bit;
      return bytes;
    case "repeat":
      return repeat(bytes, pick(entries, step.place), entries, step.count);
    default:
      return step satisfies never;
  }
}

function write(bytes: Uint8Array, field: Field | undefined, change: (old: bigint) => bigint): Uint8Array {
  if (!field || field.start + field.length > bytes.length) return bytes;
  let value = 0n;
  for (let i = field.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[field.start + i]!);
  value = change(value);
  for (let i = 0; i < field.length; i++) bytes[field.start + i] = Number((value >> BigInt(8 * i)) & 255n);
  return bytes;
}

function splice(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), insert, bytes.subarray(at + remove)]);
}

/** Puts an entry there twice, and counts it in the preamble or not. */
function repeat(
  bytes: Uint8Array,
  entry: Entry | undefined,
  entries: readonly Entry[],
  count: boolean,
): Uint8Array {
  if (!entry || entry.end > bytes.length) return bytes;
  const longer = splice(bytes, entry.end, 0, bytes.slice(entry.start, entry.end));
  if (!count) return longer;
  const view = new DataView(longer.buffer, longer.byteOffset, longer.byteLength);
  const keys = Number(view.getBigUint64(16, true));
  const field = entries.indexOf(entry) < keys ? 16 : 8;
  view.setBigUint64(field, view.getBigUint64(field, true) + 1n, true);
  return longer;
}
