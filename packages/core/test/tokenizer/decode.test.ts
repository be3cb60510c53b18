/** Ids to text: streaming equals whole decoding, and no half character ever appears. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTokenizer, type DecodeOptions, type Tokenizer } from "../../src/tokenizer/index.js";
import { smallBpe, smallSpm } from "./small-vocabularies.js";

const codePoint = fc
  .oneof(fc.integer({ min: 0, max: 0x10ffff }), fc.integer({ min: 0, max: 0x7f }))
  .filter((code) => code < 0xd800 || code > 0xdfff);
const anyText = fc.array(codePoint, { maxLength: 40 }).map((codes) => String.fromCodePoint(...codes));

const streamed = (tokenizer: Tokenizer, ids: readonly number[], options?: DecodeOptions): string[] => {
  const decoder = tokenizer.createDecoder(options);
  return [...ids.map((id) => decoder.push(id)), decoder.end()];
};

describe.each([
  ["bpe", createTokenizer(smallBpe())],
  ["spm", createTokenizer(smallSpm())],
] as const)("%s", (_, tokenizer) => {
  const anyIds = fc.array(fc.nat({ max: tokenizer.vocabularySize - 1 }), { maxLength: 40 });

  test("streaming equals whole decoding of any ids", () => {
    fc.assert(
      fc.property(anyIds, fc.boolean(), fc.boolean(), (ids, skipSpecial, atStart) => {
        const options = { skipSpecial, atStart };
        expect(streamed(tokenizer, ids, options).join("")).toBe(tokenizer.decode(ids, options));
      }),
    );
  });

  test("any text survives, also in a stream, whose parts are whole characters", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const ids = tokenizer.encode(text);
        expect(tokenizer.decode(ids)).toBe(text);
        const parts = streamed(tokenizer, ids);
        expect(parts.join("")).toBe(text);
        for (const part of parts)
          if (/\p{Cs}/u.test(part)) throw new Error(`half a character in ${JSON.stringify(part)}`);
      }),
    );
  });

  test("a character split over tokens appears with its last byte", () => {
    const llama = "\ud83e\udd99";
    const ids = tokenizer.encode(llama).slice(-4);
    expect(streamed(tokenizer, ids)).toEqual(["", "", "", llama, ""]);
    expect(streamed(tokenizer, ids.slice(0, 3)).join("")).toBe("\ufffd");
    expect(streamed(tokenizer, [...ids.slice(0, 2), ids[3]!]).join("")).toBe("\ufffd");
  });

  test("special tokens are written or left out", () => {
    const ids = [tokenizer.bosId!, ...tokenizer.encode("he"), tokenizer.eosId!];
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe("he");
    expect(tokenizer.decode(ids)).toBe(`${tokenizer.piece(ids[0]!)}he${tokenizer.piece(ids.at(-1)!)}`);
  });

  test("ids outside the vocabulary and pushes after the end are refused", () => {
    for (const id of [-1, tokenizer.vocabularySize, 0.5, Number.NaN]) {
      for (const call of [
        () => tokenizer.decode([id]),
        () => tokenizer.pieceBytes(id),
        () => tokenizer.piece(id),
      ]) {
        expect(call).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
      }
    }
    const decoder = tokenizer.createDecoder();
    decoder.end();
    expect(() => decoder.push(0)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });

  test("pieceBytes are the bytes of the text, and the caller's own", () => {
    const ids = tokenizer.encode("h\u00e9llo\n");
    const bytes = ids.flatMap((id) => [...tokenizer.pieceBytes(id)]);
    expect(new TextDecoder().decode(Uint8Array.from(bytes)).trimStart()).toBe("h\u00e9llo\n");
    tokenizer.pieceBytes(ids[0]!).fill(0);
    expect(tokenizer.decode(ids)).toBe("h\u00e9llo\n");
  });
});

test("spm: ids that go on after a prompt keep their space", () => {
  const spm = createTokenizer(smallSpm());
  const ids = spm.encode("hello");
  expect(spm.decode(ids)).toBe("hello");
  expect(spm.decode(ids, { atStart: false })).toBe(" hello");
});
