/** Lists of texts, and GGUF's strings as such a list: what TextDecoder would make of the same bytes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeText, decodeTexts } from "../../src/formats/gguf/strings.js";
import { TextList } from "../../src/platform/text-list.js";

const LONG = "é".repeat(5000);

test("texts come back as they were, lone surrogates and long ones too", () => {
  const texts = ["", "a", "\ud800", "😀", "▁the", LONG, ""];
  const list = TextList.of(texts);
  expect(list.length).toBe(texts.length);
  expect(list.strings()).toEqual(texts);
  expect(list.text(5)).toBe(LONG);
});

/** Strings as a header has them, `padding` bytes before. */
function written(strings: readonly Uint8Array[], padding: number): Uint8Array {
  const bytes = new Uint8Array(strings.reduce((sum, { length }) => sum + 8 + length, padding));
  const view = new DataView(bytes.buffer);
  let at = padding;
  for (const string of strings) {
    view.setUint32(at, string.length, true);
    bytes.set(string, at + 8);
    at += 8 + string.length;
  }
  return bytes;
}

const platform = new TextDecoder("utf-8", { ignoreBOM: true });

function check(strings: readonly Uint8Array[], padding = 3): void {
  const bytes = written(strings, padding);
  const expected = strings.map((string) => platform.decode(string));
  expect(decodeTexts(bytes, padding, bytes.length, strings.length).strings()).toEqual(expected);
  expect(strings.map((string) => decodeText(string, 0, string.length))).toEqual(expected);
}

describe("strings of a header", () => {
  test("well-formed ones", () => {
    const texts = ["", "\ufeffx", "Ġhello", "▁日本", "👩‍👩‍👧", "\u0000", "\u{10ffff}", LONG];
    check(texts.map((text) => new TextEncoder().encode(text)));
  });

  test("malformed ones, each way of it", () => {
    const bad = [
      "80",
      "c0 80",
      "c2",
      "e0 80 80",
      "e2 82",
      "ed a0 80",
      "f0 80 80 80",
      "f4 90 80 80",
      "f5 80",
      "ff",
      "e2 82 41",
    ];
    check(bad.map((hex) => Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16))));
  });

  test("any bytes", () => {
    const byte = fc.oneof(fc.nat(255), fc.constantFrom(0xe2, 0x80, 0xbf, 0xf0, 0x9f, 0xed, 0xa0, 0xc3));
    const bytes = fc.array(byte, { maxLength: 70 }).map((values) => Uint8Array.from(values));
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (strings) => check(strings)),
      { numRuns: 500 },
    );
  });
});
