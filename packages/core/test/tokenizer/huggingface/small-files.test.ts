/** Small tokenizer.json files of each kind (fixtures/tokenizers/train.py): as the `tokenizers` library reads them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { describeWith } from "../../../../../test/support/availability.js";
import { huggingFaceTokenizer } from "../../../src/tokenizer/index.js";
import { shared } from "../shared-vocabularies.js";
import { fixtureFile, golden, prose, REPEATS, repeated, sha256, TEXTS, textDigest } from "./real-files.js";

const NAMES = [
  "small-clip",
  "small-unigram",
  "small-unigram-bytes",
  "small-wordlevel",
  "small-wordpiece",
  "small-wordpiece-cased",
];
const bare = { addBos: false, addEos: false };
const special = { ...bare, parseSpecial: true };

describe.each(NAMES)("%s", (name) => {
  const expected = golden(name);
  const tokenizer = huggingFaceTokenizer({
    tokenizerJson: readFileSync(fixtureFile(`${name}.tokenizer.json`), "utf8"),
  });

  test("short texts, with special tokens and as plain text", () => {
    TEXTS.forEach((text, i) => {
      const readsBytes = name === "small-unigram-bytes" && text.includes("<0x0A>");
      if (!readsBytes)
        expect(tokenizer.encode(text, special), JSON.stringify(text)).toEqual(expected.special[i]);
      // Pieces are looked for in text, and the library finds "</s>" and "<0x0A>" among them; here text is only text.
      if (name.startsWith("small-unigram") && /<\/s>|<0x0A>/.test(text)) return;
      const plain = expected.plain[i] ?? expected.special[i];
      expect(tokenizer.encode(text, bare), JSON.stringify(text)).toEqual(plain);
    });
    expect(tokenizer.encode(TEXTS[2]!)).toEqual(expected.framed);
  });

  test("ids back to text, whole and as a stream", () => {
    expected.special.forEach((ids, i) => {
      // The library writes a token that is found after normalization as it looks then; here it is what the file says.
      if (/\uff21\uff22\uff23|\u0130stanbul|ABC/.test(TEXTS[i]!)) return;
      const text = tokenizer.decode(ids, { skipSpecial: true });
      expect(textDigest(text), JSON.stringify([TEXTS[i], text])).toBe(expected.decoded[i]);
      const decoder = tokenizer.createDecoder({ skipSpecial: true });
      expect(ids.map((id) => decoder.push(id)).join("") + decoder.end()).toBe(text);
    });
  });

  test.each(Object.keys(REPEATS))("100,000 characters: %s", (key) => {
    const ids = tokenizer.encode(repeated(REPEATS[key]!, 100_000), special);
    expect([ids.length, sha256(ids)]).toEqual([expected.long[key]!.count, expected.long[key]!.sha256]);
  });

  describeWith(shared, "books", () => {
    test("1 MB of prose in two languages", () => {
      const ids = tokenizer.encode(prose(), special);
      expect([ids.length, sha256(ids)]).toEqual([expected.long.prose!.count, expected.long.prose!.sha256]);
    });
  });
});
