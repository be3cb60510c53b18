/** The decoder for engines without TextDecoder gives what Node's TextDecoder gives, of any bytes in any pieces. */
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createUtf8Decoder, OwnUtf8Decoder, type Utf8Decoder } from "../../src/platform/utf8.js";

afterEach(() => vi.unstubAllGlobals());

/** Bytes in which characters, parts of them and nonsense are all likely. */
const bytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 3 }).map((text) => [...new TextEncoder().encode(text)]),
      fc.constantFrom(
        [0xef, 0xbb, 0xbf],
        [0xe0],
        [0xed, 0xa0, 0x80],
        [0xf0, 0x9f],
        [0xf4, 0x90],
        [0xc0, 0x80],
      ),
      fc.array(fc.nat({ max: 255 }), { maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));

function decodeIn(decoder: Utf8Decoder, pieces: readonly Uint8Array[]): string[] {
  const texts = pieces.map((piece) => decoder.decode(piece, { stream: true }));
  return [...texts, decoder.decode()];
}

describe("text from bytes", () => {
  it("comes piece by piece as from Node's decoder", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (pieces) => {
        const own = new OwnUtf8Decoder({ ignoreBOM: true });
        const platform = new TextDecoder("utf-8", { ignoreBOM: true });
        for (const again of [1, 2]) {
          expect(decodeIn(own, pieces), `time ${again}`).toEqual(decodeIn(platform, pieces));
        }
      }),
      { numRuns: 2000 },
    );
  });

  // In pieces, Node 26 also drops a mark that follows malformed bytes; the standard drops the first character's only.
  it("leaves a byte order mark out at its start alone, however it comes", () => {
    fc.assert(
      fc.property(fc.array(bytes, { maxLength: 4 }), (pieces) => {
        const whole = new TextDecoder("utf-8").decode(Uint8Array.from(pieces.flatMap((piece) => [...piece])));
        expect(decodeIn(new OwnUtf8Decoder(), pieces).join("")).toBe(whole);
      }),
      { numRuns: 2000 },
    );
  });

  it("fails for malformed bytes where it must, and goes on afterwards", () => {
    const result = (decoder: Utf8Decoder, given: Uint8Array) => {
      try {
        return decoder.decode(given);
      } catch (error) {
        return error instanceof TypeError ? "fails" : error;
      }
    };
    fc.assert(
      fc.property(bytes, (given) => {
        const own = new OwnUtf8Decoder({ fatal: true });
        const platform = new TextDecoder("utf-8", { fatal: true });
        expect(result(own, given)).toEqual(result(platform, given));
        expect(own.decode(Uint8Array.of(0x61))).toBe("a");
      }),
      { numRuns: 1000 },
    );
  });

  it("of any length", () => {
    const text = "a€😀".repeat(50_000);
    expect(new OwnUtf8Decoder().decode(new TextEncoder().encode(text))).toBe(text);
  });

  it("by the platform's decoder where there is one", () => {
    expect(createUtf8Decoder()).toBeInstanceOf(TextDecoder);
    vi.stubGlobal("TextDecoder", undefined);
    expect(createUtf8Decoder()).toBeInstanceOf(OwnUtf8Decoder);
  });
});
