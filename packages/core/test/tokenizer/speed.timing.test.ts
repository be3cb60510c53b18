/** Speed of encoding and of construction, in CPU time of this process: other work on the machine does not count. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { describeWith } from "../../../../test/support/availability.js";
import { createTokenizer, huggingFaceTokenizer } from "../../src/tokenizer/index.js";
import { fixtureFile, prose, repeated } from "./huggingface/real-files.js";
import { gpt2Description, shared, sharedText, VOCABULARIES } from "./shared-vocabularies.js";

/** The least CPU milliseconds of a few runs. */
function cpuMs(run: () => void, runs = 4): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < runs; i++) {
    const before = process.cpuUsage().user;
    run();
    best = Math.min(best, (process.cpuUsage().user - before) / 1000);
  }
  return best;
}

describeWith(shared, "tokenizer speed", () => {
  test.each(Object.keys(VOCABULARIES))("%s: prose at 2 MB/s or more", async (name) => {
    const tokenizer = await VOCABULARIES[name]!();
    for (const path of ["text/tinyshakespeare.txt", "text/hongloumeng-zh.txt"]) {
      const text = sharedText(path);
      const megabytes = Buffer.byteLength(text) / 1e6;
      expect(megabytes / (cpuMs(() => tokenizer.encode(text)) / 1000), path).toBeGreaterThan(2);
    }
  });

  test.each(["llama-spm", "starcoder"])(
    "%s: time grows with the length, without spaces too",
    async (name) => {
      const tokenizer = await VOCABULARIES[name]!();
      for (const unit of ["abcdefghijklmnopqrstuvwxyz", "a", " ", "\u6211\u60f3\u5728", "!?", "\n"]) {
        const time = (length: number) => {
          const text = unit.repeat(Math.ceil(length / unit.length));
          return cpuMs(() => tokenizer.encode(text));
        };
        time(100_000);
        // Four times the text, so that the noise of one measurement weighs less; 2.3 per doubling.
        expect(time(600_000), JSON.stringify(unit)).toBeLessThan(2.3 ** 2 * time(150_000) + 20);
      }
    },
  );

  // The small files of each kind: with other tokens the same work.
  test.each(["small-unigram", "small-unigram-bytes", "small-wordpiece"])(
    "%s: 2 MB/s or more, and time that grows with the length",
    (name) => {
      const tokenizerJson = readFileSync(fixtureFile(`${name}.tokenizer.json`), "utf8");
      const tokenizer = huggingFaceTokenizer({ tokenizerJson });
      const text = prose();
      expect(Buffer.byteLength(text) / 1e6 / (cpuMs(() => tokenizer.encode(text)) / 1000)).toBeGreaterThan(2);
      for (const unit of ["abcdefghijklmnopqrstuvwxyz", " ", "e\u0301"]) {
        const time = (length: number) => cpuMs(() => tokenizer.encode(repeated(unit, length)), 3);
        time(100_000);
        expect(time(600_000), JSON.stringify(unit)).toBeLessThan(2.3 ** 2 * time(150_000) + 20);
      }
    },
  );

  test("a vocabulary of 50,000 tokens is ready within 150 ms", () => {
    const description = gpt2Description();
    expect(cpuMs(() => createTokenizer(description))).toBeLessThan(150);
  });
});
