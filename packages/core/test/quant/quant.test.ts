import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  bitsPerWeight,
  dequantize,
  f16ToNumber,
  isQuantDType,
  numberToF16,
  QUANT_FORMATS,
  quantize,
} from "../../src/quant/index.js";
import { DTYPES, type DType } from "../../src/tensor/dtype.js";

const fixtures = JSON.parse(
  readFileSync(new URL("../../../../fixtures/quant/quant.json", import.meta.url), "utf8"),
) as Record<string, Record<string, string>>;

/** The bytes of a fixture, in a buffer of their own (so aligned for any view). */
const bytes = (dtype: string, field: string) =>
  new Uint8Array(new Uint8Array(Buffer.from(fixtures[dtype]![field]!, "base64")));
const floats = (dtype: string, field: string) => new Float32Array(bytes(dtype, field).buffer);
/** Every NaN becomes the one that the fixtures have. */
const oneNaN = (values: Float32Array) => values.map((value) => (Number.isNaN(value) ? Number.NaN : value));
const hex = (array: Uint8Array | Float32Array) =>
  Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("hex");

/** Files that formats share. */
const HELPERS = ["index", "format", "fit", "iq4-levels", "k-bits", "super-block"];

describe("the list of formats", () => {
  it("agrees with the list of dtypes", () => {
    const quantized = Object.keys(DTYPES).filter((name) => DTYPES[name as DType].quantized);
    expect(Object.keys(QUANT_FORMATS).sort()).toEqual(["f16", "bf16", ...quantized].sort());
    for (const [name, format] of Object.entries(QUANT_FORMATS)) {
      expect(format.dtype).toBe(name);
      const { blockElements, blockBytes } = DTYPES[format.dtype];
      expect({ blockElements, blockBytes }).toEqual({
        blockElements: format.blockElements,
        blockBytes: format.blockBytes,
      });
    }
  });

  it("has fixtures: decoded values of every block format, and encoded ones of those that round as GGML does", () => {
    for (const [name, { dtype, blockElements }] of Object.entries(QUANT_FORMATS)) {
      const fields = Object.keys(fixtures[name]!);
      if (blockElements > 1) expect(fields).toEqual(expect.arrayContaining(["decoded", "specialDecoded"]));
      expect(fields.includes("encoded"), dtype).toBe(!/k$|^iq/.test(dtype));
    }
  });

  it("agrees with the folder", () => {
    const files = readdirSync(new URL("../../src/quant/", import.meta.url));
    const formats = files.map((file) => file.replace(/\.ts$/, "")).filter((name) => !HELPERS.includes(name));
    expect(formats.sort()).toEqual(Object.keys(QUANT_FORMATS).sort());
  });

  it("describes blocks without gaps", () => {
    for (const format of Object.values(QUANT_FORMATS)) {
      let end = 0;
      for (const field of format.layout) {
        expect(field.byteOffset).toBe(end);
        end += field.byteLength;
      }
      expect(end).toBe(format.blockBytes);
    }
  });

  it("knows bits per weight", () => {
    expect([bitsPerWeight("q4_0"), bitsPerWeight("q4_1"), bitsPerWeight("q8_0")]).toEqual([4.5, 5, 8.5]);
    expect([bitsPerWeight("f16"), bitsPerWeight("f32")]).toEqual([16, 32]);
    expect([bitsPerWeight("q2_k"), bitsPerWeight("q6_k"), bitsPerWeight("iq4_xs")]).toEqual([
      2.625, 6.5625, 4.25,
    ]);
  });
});

describe.each(Object.keys(QUANT_FORMATS).filter(isQuantDType))(
  "%s against the Python package gguf",
  (dtype) => {
    if ("encoded" in fixtures[dtype]!) {
      it("encodes bit for bit", () => {
        expect(hex(quantize(dtype, floats(dtype, "input")))).toBe(hex(bytes(dtype, "encoded")));
      });
    }

    it("decodes bit for bit", () => {
      if (dtype === "f16" || dtype === "bf16") {
        const every = new Uint8Array(Uint16Array.from({ length: 65536 }, (_, i) => i).buffer);
        const decoded = dequantize(dtype, every).map((value) => (Number.isNaN(value) ? 0 : value));
        const sha256 = createHash("sha256").update(new Uint8Array(decoded.buffer)).digest("hex");
        expect(sha256).toBe(fixtures[dtype]!.everyPatternDecodedSha256NanAsZero);
      } else {
        expect(hex(dequantize(dtype, bytes(dtype, "blocks")))).toBe(hex(bytes(dtype, "decoded")));
      }
    });

    if ("special" in fixtures[dtype]!) {
      it("decodes infinite and NaN scales as IEEE 754 has it", () => {
        const decoded = dequantize(dtype, bytes(dtype, "special"));
        expect(decoded.some(Number.isNaN)).toBe(true);
        expect(hex(oneNaN(decoded))).toBe(hex(bytes(dtype, "specialDecoded")));
      });
    }

    it("decodes from any alignment", () => {
      const encoded = bytes(dtype, "encoded" in fixtures[dtype]! ? "encoded" : "blocks");
      const shifted = new Uint8Array(encoded.length + 1);
      shifted.set(encoded, 1);
      expect(hex(dequantize(dtype, shifted.subarray(1)))).toBe(hex(dequantize(dtype, encoded)));
    });

    it("round-trips NaN and infinities or zeros as its layout allows", () => {
      const { blockElements } = DTYPES[dtype];
      const zeros = dequantize(dtype, quantize(dtype, new Float32Array(blockElements)));
      expect(zeros.every((value) => value === 0)).toBe(true); // of either sign, as in GGML
      if (blockElements > 1) return;
      const special = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
      expect([...dequantize(dtype, quantize(dtype, special))]).toEqual([...special]);
    });
  },
);

describe("conversions", () => {
  it("every finite f16 survives the way through a number", () => {
    for (let half = 0; half < 65536; half++) {
      if ((half & 0x7c00) === 0x7c00 && half & 0x3ff) expect(f16ToNumber(half)).toBeNaN();
      else if (numberToF16(f16ToNumber(half)) !== half) expect.fail(`pattern ${half}`);
    }
    expect(f16ToNumber(numberToF16(Number.NaN))).toBeNaN();
  });

  it("keeps f32 as it is and rounds f64", () => {
    const values = Float32Array.of(1.5, -0, 3e-40);
    expect(dequantize("f32", quantize("f32", values))).toEqual(values);
    const doubles = new Uint8Array(Float64Array.of(0.1, 2).buffer);
    expect([...dequantize("f64", doubles)]).toEqual([Math.fround(0.1), 2]);
    expect([...new Float64Array(quantize("f64", values).buffer)]).toEqual([...values]);
  });

  it("refuses integers and partial blocks", () => {
    expect(() => dequantize("i32", new Uint8Array(4))).toThrow("i32 holds integers");
    expect(() => quantize("u8", new Float32Array(4))).toThrow("u8 holds integers");
    expect(() => dequantize("q4_0", new Uint8Array(19))).toThrow("blocks of 18 bytes");
    expect(() => quantize("q8_0", new Float32Array(31))).toThrow("blocks of 32 values");
  });
});
