/**
 * Byte-level BPE (Radford et al. 2019): text is cut into words, each word's UTF-8 bytes become symbols, and
 * merges join neighbours in the order of their rank. Control tokens are never the result of a merge.
 */
import { BYTE_SYMBOLS, bytesToSymbols, symbolsToBytes } from "./byte-symbols.js";
import { PairMerger, type PairRules } from "./merge.js";
import { PairTable } from "./pair-table.js";
import { preTokenizer, splitWords } from "./pre-tokenizers.js";
import type { TextModel } from "./text-model.js";
import type { TokenizerDescription } from "./types.js";
import { badVocabulary, type Vocabulary } from "./vocabulary.js";
import { WordCache } from "./word-cache.js";

const utf8 = new TextEncoder();

export class BpeModel implements TextModel, PairRules {
  readonly isByteComplete: boolean;
  readonly addsSpacePrefix = false;
  private readonly patterns: readonly RegExp[];
  private readonly ignoreMerges: boolean;
  /** Token of each byte, or -1. // [256] */
  private readonly byteIds: Int32Array;
  private readonly ranks: PairTable;
  /** Token that the merge of each rank makes. // [merges] */
  private readonly merged: Int32Array;
  private readonly merger = new PairMerger();
  private readonly cache = new WordCache();
  /** The word being merged: one id per node. */
  private ids = new Int32Array(1024);
  private readonly bytes = new Uint8Array(1024);

  /** @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
  constructor(
    description: TokenizerDescription,
    private readonly vocabulary: Vocabulary,
  ) {
    const words = preTokenizer(description.preTokenizer ?? "gpt-2");
    this.patterns = words.patterns;
    this.ignoreMerges = description.ignoreMerges ?? words.ignoreMerges;
    this.byteIds = Int32Array.from(BYTE_SYMBOLS, (symbol) => vocabulary.textId(symbol) ?? -1);
    this.isByteComplete = !this.byteIds.includes(-1);
    const merges = description.merges;
    if (merges === undefined) {
      throw badVocabulary('A "bpe" vocabulary needs its list of merges, and this one has none.');
    }
    this.ranks = new PairTable(merges.length);
    this.merged = new Int32Array(merges.length);
    for (let rank = 0; rank < merges.length; rank++) this.addMerge(merges[rank]!, rank);
  }

  private addMerge(merge: string, rank: number): void {
    const fail = (why: string) =>
      badVocabulary(`Merge ${rank} is ${JSON.stringify(merge.slice(0, 80))}: ${why}.`);
    const at = merge.indexOf(" ", 1);
    if (at < 0 || at + 1 >= merge.length) throw fail("it should be two pieces with a space between them");
    const leftId = this.vocabulary.textIdOfPart(merge, 0, at);
    const rightId = this.vocabulary.textIdOfPart(merge, at + 1, merge.length);
    const joinedId = this.vocabulary.textIdOfPart(merge, 0, merge.length, at);
    if (joinedId === undefined || leftId === undefined || rightId === undefined) {
      const [left, right] = [merge.slice(0, at), merge.slice(at + 1)];
      for (const piece of [left, right, left + right]) {
        if (this.vocabulary.anyId(piece) === undefined) {
          throw fail(`${JSON.stringify(piece.slice(0, 80))} is not a token`);
        }
      }
      return; // would make or use a control token: never applied
    }
    this.merged[rank] = joinedId;
    this.ranks.set(leftId, rightId, rank);
  }

  encode(text: string, output: number[]): void {
    splitWords(this.patterns, text, (word) => {
      const cached = this.cache.get(word);
      if (cached !== undefined) {
        for (let i = 0; i < cached.length; i++) output.push(cached[i]!);
        return;
      }
      const from = output.length;
      this.encodeWord(word, output);
      this.cache.set(word, output, from);
    });
  }

  private encodeWord(word: string, output: number[]): void {
    const long = word.length * 3 > this.bytes.length;
    const buffer = long ? new Uint8Array(word.length * 3) : this.bytes;
    const bytes = buffer.subarray(0, utf8.encodeInto(word, buffer).written);
    if (this.ignoreMerges) {
      const id = this.vocabulary.textId(bytesToSymbols(bytes));
      if (id !== undefined) {
        output.push(id);
        return;
      }
    }
    const kept = this.ids;
    if (bytes.length > kept.length) this.ids = new Int32Array(bytes.length);
    const ids = this.ids;
    for (let i = 0; i < bytes.length; i++) ids[i] = this.byteIds[bytes[i]!]!;
    const next = this.merger.run(bytes.length, this);
    for (let i = 0; i >= 0; i = next[i]!) {
      const id = ids[i]! >= 0 ? ids[i]! : this.vocabulary.textUnkId;
      if (id !== undefined) output.push(id);
    }
    this.ids = kept;
  }

  priority(left: number, right: number): number {
    const leftId = this.ids[left]!;
    const rightId = this.ids[right]!;
    return leftId < 0 || rightId < 0 ? -1 : this.ranks.get(leftId, rightId);
  }

  merge(left: number, _right: number, rank: number): void {
    this.ids[left] = this.merged[rank]!;
  }

  pieceBytes(id: number): Uint8Array {
    const text = this.vocabulary.tokens[id]!;
    const kind = this.vocabulary.kind(id);
    // User-defined and control tokens are written plainly, all others in the byte alphabet.
    if (kind === "normal" || kind === "unused") return symbolsToBytes(text) ?? utf8.encode(text);
    return utf8.encode(text);
  }
}
