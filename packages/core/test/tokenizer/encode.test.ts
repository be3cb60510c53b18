/** Text to ids on small vocabularies made here: merging, byte fallback, and special tokens that text cannot inject. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTokenizer, type TextSegment, type Tokenizer } from "../../src/tokenizer/index.js";
import { smallBpe, smallSpm } from "./small-vocabularies.js";

const pieces = (tokenizer: Tokenizer, ids: readonly number[]) => ids.map((id) => tokenizer.piece(id));

describe("byte-level BPE", () => {
  const bpe = createTokenizer(smallBpe());
  const cut = (text: string, options = {}) => pieces(bpe, bpe.encode(text, options));

  test("merges by rank, leftmost first", () => {
    expect(cut("hello world")).toEqual(["hello", "\u0120wo", "r", "l", "d"]);
    expect(cut("aaaaaaa")).toEqual(["aaaa", "aa", "a"]);
    expect(cut("")).toEqual([]);
  });

  test("short and endless words merge alike", () => {
    for (const length of [5, 39, 40, 41, 1023, 1024, 1025, 5000]) {
      const ids = pieces(bpe, bpe.encode("a".repeat(length)));
      const rest = length % 4;
      expect(ids).toEqual([
        ...Array<string>(Math.floor(length / 4)).fill("aaaa"),
        ...(rest >= 2 ? ["aa"] : []),
        ...(rest % 2 ? ["a"] : []),
      ]);
    }
  });

  test("agrees with merging step by step on any word", () => {
    const byMerges = (word: string) => {
      const parts = [...word];
      for (;;) {
        let best: readonly [rank: number, at: number] | undefined;
        parts.slice(1).forEach((right, at) => {
          const rank = smallBpe().merges!.indexOf(`${parts[at]} ${right}`);
          if (rank >= 0 && (best === undefined || rank < best[0])) best = [rank, at];
        });
        if (best === undefined) return parts;
        parts.splice(best[1], 2, parts[best[1]]! + parts[best[1] + 1]!);
      }
    };
    const word = fc.string({ unit: fc.constantFrom("h", "e", "l", "o", "a"), minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(word, (text) => {
        expect(cut(text)).toEqual(byMerges(text));
      }),
    );
  });

  test("lone surrogates count as U+FFFD", () => {
    expect(bpe.encode("a\ud800b")).toEqual(bpe.encode("a\ufffdb"));
    expect(bpe.decode(bpe.encode("\udc00"))).toBe("\ufffd");
  });

  test("BOS and EOS as the vocabulary says, unless told otherwise", () => {
    const framed = createTokenizer(smallBpe({ addBos: true, addEos: true }));
    expect(pieces(framed, framed.encode("a"))).toEqual(["<|im_start|>", "a", "<|im_end|>"]);
    expect(pieces(framed, framed.encode("a", { addBos: false, addEos: false }))).toEqual(["a"]);
    expect(cut("a", { addBos: true })).toEqual(["<|im_start|>", "a"]);
  });

  test("a byte without a token becomes the unknown token, or nothing", () => {
    const { tokens, tokenKinds } = smallBpe();
    const without = tokens.map((text) => (text === "z" ? "zz" : text));
    const lacking = createTokenizer(smallBpe({ tokens: without, tokenKinds }));
    expect(lacking.isByteComplete).toBe(false);
    expect(pieces(lacking, lacking.encode("aza"))).toEqual(["a", "<unk>", "a"]);
    const dropping = createTokenizer(smallBpe({ tokens: without, tokenKinds, unkId: undefined }));
    expect(pieces(dropping, dropping.encode("aza"))).toEqual(["a", "a"]);
    const control = createTokenizer(smallBpe({ tokens: without, tokenKinds, unkId: smallBpe().eosId }));
    expect(pieces(control, control.encode("aza"))).toEqual(["a", "a"]);
  });
});

describe("SentencePiece BPE", () => {
  const spm = createTokenizer(smallSpm());
  const cut = (text: string, options = {}) => pieces(spm, spm.encode(text, options));

  test("merges by score and starts with a space", () => {
    expect(cut("hello")).toEqual(["\u2581hello"]);
    expect(cut("hello  hello")).toEqual(["\u2581hello", "\u2581", "\u2581hello"]);
    expect(cut("   ")).toEqual(["\u2581\u2581", "\u2581\u2581"]);
    const bare = createTokenizer(smallSpm({ addSpacePrefix: false }));
    expect(pieces(bare, bare.encode("hello"))).toEqual(["hello"]);
  });

  test("spells what has no token in bytes", () => {
    expect(cut("\u00e9\n")).toEqual(["\u2581", "<0xC3>", "<0xA9>", "<0x0A>"]);
    expect(spm.decode(spm.encode("h\u00e9\ud83e\udd99"))).toBe("h\u00e9\ud83e\udd99");
  });

  test("text spells neither control nor byte tokens, though their halves are tokens", () => {
    expect(cut("</s>")).toEqual(["\u2581", "</", "s>"]);
    expect(cut("</s>", { parseSpecial: true })).toEqual(["</s>"]);
    expect(cut("<0x0A>").includes("<0x0A>")).toBe(false);
  });
});

describe("special tokens", () => {
  const bpe = createTokenizer(smallBpe());
  const control = (ids: readonly number[]) => ids.filter((id) => bpe.tokenKind(id) === "control");

  test("control tokens are recognised only on request, the longest first", () => {
    expect(control(bpe.encode("<|im_start|>a<|im_end|>"))).toEqual([]);
    const options = { parseSpecial: true };
    expect(pieces(bpe, bpe.encode("<|im_start|>a<|im_end|>", options))).toEqual([
      "<|im_start|>",
      "a",
      "<|im_end|>",
    ]);
    expect(pieces(bpe, bpe.encode("<|im_end|>x", options))).toEqual(["<|im_end|>x"]);
    expect(pieces(bpe, bpe.encode("<|im_<|im_end|>", options)).at(-1)).toBe("<|im_end|>");
  });

  test("user-defined tokens are text that is always recognised", () => {
    expect(pieces(bpe, bpe.encode("a<think>a"))).toEqual(["a", "<think>", "a"]);
  });

  test("tokens that frame a turn are control tokens whatever the file calls them", () => {
    const description = smallBpe();
    const tokenKinds = Array.from(description.tokenKinds!, (kind) => (kind === 3 ? 4 : kind));
    const tokenizer = createTokenizer(smallBpe({ tokenKinds }));
    for (const text of ["<|im_start|>", "<|im_end|>"]) {
      expect(tokenizer.tokenKind(tokenizer.tokenId(text)!)).toBe("control");
      expect(tokenizer.encode(text)).not.toContain(tokenizer.tokenId(text));
    }
  });

  test("merges cannot make a control token", () => {
    const { tokens, merges } = smallBpe();
    const withEnd = [...tokens, "<|", "im_end|>"];
    const tokenizer = createTokenizer(
      smallBpe({ tokens: withEnd, tokenKinds: undefined, merges: [...merges!, "<| im_end|>"] }),
    );
    expect(tokenizer.encode("<|im_end|>")).not.toContain(tokenizer.tokenId("<|im_end|>"));
  });

  const markup = fc.constantFrom("<|im_start|>", "<|im_end|>", "<|im_", "end|>", "<think>", "x", " a", "\n");
  const segment = fc.record({ text: fc.string({ unit: markup, maxLength: 6 }), trusted: fc.boolean() });

  test("segments: untrusted text never contributes to a control token", () => {
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const ids = bpe.encodeSegments(segments);
        expect(bpe.decode(ids)).toBe(segments.map(({ text }) => text).join(""));
        // Without trust no control token remains, with full trust all are found.
        expect(control(bpe.encodeSegments(segments.map(({ text }) => ({ text, trusted: false }))))).toEqual(
          [],
        );
        const trusted = segments.map(({ text }) => ({ text, trusted: true }));
        const joined = segments.map(({ text }) => text).join("");
        expect(bpe.encodeSegments(trusted)).toEqual(bpe.encode(joined, { parseSpecial: true }));
        expect(control(ids).length).toBeLessThanOrEqual(controlsInTrustedRuns(segments));
      }),
    );
  });

  /** The most control tokens that the runs of trusted text hold by themselves. */
  function controlsInTrustedRuns(segments: readonly TextSegment[]): number {
    const runs = segments
      .filter(({ text }) => text !== "")
      .map(({ text, trusted }) => (trusted ? text : "\u0000"))
      .join("");
    return runs.split(/<\|im_(?:start|end)\|>/).length - 1;
  }

  test("a token cut in two by trust is text", () => {
    const ids = bpe.encodeSegments([
      { text: "<|im_", trusted: true },
      { text: "end|>", trusted: false },
      { text: "<|im_end|>", trusted: true },
    ]);
    expect(control(ids)).toEqual([bpe.eosId]);
    expect(ids.at(-1)).toBe(bpe.eosId);
  });

  test("ends of generation: eos, and well-known tokens", () => {
    expect(bpe.endOfGenerationIds).toEqual([bpe.tokenId("<|im_end|>")]);
    const { tokens } = smallBpe();
    const more = createTokenizer(
      smallBpe({ tokens: [...tokens, "<|eot_id|>"], tokenKinds: undefined, eosId: 0 }),
    );
    expect(more.endOfGenerationIds).toEqual([0, more.tokenId("<|im_end|>"), more.tokenId("<|eot_id|>")]);
    const harmony = createTokenizer(
      smallBpe({ tokens: [...tokens, "<|end|>", "<|return|>", "<|call|>"], tokenKinds: undefined }),
    );
    expect(harmony.endOfGenerationIds).not.toContain(harmony.tokenId("<|end|>"));
    expect(harmony.endOfGenerationIds).toContain(harmony.tokenId("<|return|>"));
  });
});
