/**
 * Real vocabularies: token ids equal to those of other implementations on ugly texts, and round trips of
 * whole books. Needs the shared data folder.
 */
import { expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { shared, sharedPairs, sharedText, VOCABULARIES } from "./shared-vocabularies.js";
import starcoderIds from "./starcoder.ids.json" with { type: "json" };

const TEXTS = ["text/wikitext2-raw-test.txt", "text/tinyshakespeare.txt", "text/hongloumeng-zh.txt"];

describeWith(shared, "vocabularies of the shared data", () => {
  test.each(["llama-spm", "falcon", "gpt-2", "qwen2"])("%s: every line of its pairs", async (name) => {
    const tokenizer = await VOCABULARIES[name]!();
    const pairs = sharedPairs(name);
    expect(pairs.length).toBe(46);
    for (const { text, ids } of pairs) {
      expect(tokenizer.encode(text, { addBos: false }), JSON.stringify(text)).toEqual(ids);
    }
  });

  // The pair's ids are StarCoder2's, whose 38 (not 19) special tokens and slightly other merges renumber the
  // pieces; the vocabulary file is StarCoder's. So: the same pieces up to renumbering, and the ids themselves
  // as the `tokenizers` library gives them for this file (digits one by one, then the byte-level expression).
  test("starcoder: every line of its pairs, up to StarCoder2's numbering", async () => {
    const tokenizer = await VOCABULARIES.starcoder!();
    const pairs = sharedPairs("starcoder");
    const renumbered = new Map<number, number>();
    pairs.forEach(({ text, ids }, line) => {
      const ours = tokenizer.encode(text, { addBos: false });
      expect(ours, JSON.stringify(text)).toEqual(starcoderIds[line]);
      expect(ours.length, JSON.stringify(text)).toBe(ids.length);
      ours.forEach((id, i) => {
        if (!renumbered.has(id)) renumbered.set(id, ids[i]!);
        expect(renumbered.get(id), tokenizer.piece(id)).toBe(ids[i]);
      });
    });
    expect(new Set(renumbered.values()).size).toBe(renumbered.size);
  });

  test.each(Object.keys(VOCABULARIES))("%s: texts survive encode and decode", async (name) => {
    const tokenizer = await VOCABULARIES[name]!();
    for (const path of TEXTS) {
      const text = sharedText(path);
      const ids = tokenizer.encode(text);
      expect(tokenizer.decode(ids, { skipSpecial: true }) === text, path).toBe(true);
    }
  });

  test("streaming decode gives the same text, piece by piece", async () => {
    const tokenizer = await VOCABULARIES.qwen2!();
    const text = sharedText("text/hongloumeng-zh.txt").slice(0, 100_000);
    const decoder = tokenizer.createDecoder();
    let streamed = "";
    for (const id of tokenizer.encode(text)) {
      streamed += decoder.push(id);
    }
    // The text holds no U+FFFD, so half a character in any part would show.
    expect(streamed + decoder.end() === text).toBe(true);
  });
});
