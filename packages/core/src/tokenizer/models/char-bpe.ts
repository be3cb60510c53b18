/**
 * BPE over characters: SentencePiece's BPE models as tokenizer.json writes them (Llama, Gemma), with byte tokens <0xXX>
 * for characters that have no token, and CLIP's, whose last pieces of words carry a suffix.
 */
import { JoinedBigrams } from "../bigrams.js";
import type { WordModel } from "../parts.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { WordCache } from "../word-cache.js";
import { BpeMerger } from "./bpe-merger.js";
import { byteTokenIds, pushBytes } from "./byte-tokens.js";
import { MergeList, type MergeRule, type MergeRules } from "./merge-list.js";

export interface CharBpeOptions {
  readonly byteFallback?: boolean;
  /** Neighbouring characters without a token are one unknown token. */
  readonly fuseUnk?: boolean;
  readonly ignoreMerges?: boolean;
  /** Written before each symbol of a word but the first: "##". */
  readonly continuingPrefix?: string;
  /** Written after the last symbol of a word: "</w>". */
  readonly endSuffix?: string;
}

/** Stands for a character without a token while a word is merged. */
const NO_TOKEN = -1;

export class CharBpeModel implements WordModel {
  readonly isByteComplete: boolean;
  private readonly merger: BpeMerger;
  /** Token of each byte, or -1; all -1 without byte fallback. // [256] */
  private readonly byteIds: Int32Array;
  /** Where words may be cut; undefined where symbols depend on their place or byte tokens merge. */
  private readonly bigrams: JoinedBigrams | undefined;
  private readonly cache = new WordCache();
  private lastWasUnknown = false;

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  constructor(
    private readonly vocabulary: Vocabulary,
    merges: MergeRules,
    private readonly options: CharBpeOptions = {},
  ) {
    const { continuingPrefix = "", endSuffix = "" } = options;
    const list = MergeList.of(merges);
    this.merger = new BpeMerger(vocabulary, list, {
      lastCounts: true,
      prefixLength: continuingPrefix.length,
    });
    this.byteIds = options.byteFallback ? byteTokenIds(vocabulary) : new Int32Array(256).fill(-1);
    this.isByteComplete = !this.byteIds.includes(-1);
    const isPlain = continuingPrefix === "" && endSuffix === "" && !options.ignoreMerges;
    if (isPlain && !list.someBegins("<0x")) {
      this.bigrams = new JoinedBigrams(vocabulary);
    }
  }

  encodeWord(word: string, output: number[]): void {
    this.lastWasUnknown = false;
    const { bigrams } = this;
    if (bigrams === undefined) {
      this.encodeWhole(word, output);
      return;
    }
    for (let at = 0; at < word.length; ) {
      const end = bigrams.end(word, at);
      this.encodePart(word.slice(at, end), output);
      at = end;
    }
  }

  /** A part that no merge can leave. */
  private encodePart(part: string, output: number[]): void {
    const cached = this.cache.get(part);
    if (cached !== undefined) {
      for (let i = 0; i < cached.length; i++) output.push(cached[i]!);
      this.lastWasUnknown = false;
      return;
    }
    const from = output.length;
    // What an unknown character becomes depends on the one before it.
    if (this.encodeWhole(part, output)) this.cache.set(part, output, from);
  }

  /** True if every character had a token. */
  private encodeWhole(word: string, output: number[]): boolean {
    if (this.options.ignoreMerges) {
      const id = this.vocabulary.textId(word);
      if (id !== undefined) {
        output.push(id);
        return true;
      }
    }
    const ids = this.merger.ids(word.length * (this.options.byteFallback ? 3 : 1));
    const count = this.symbols(word, ids);
    const next = this.merger.run(count);
    let isKnown = true;
    const unkId = this.vocabulary.textUnkId;
    for (let i = 0; i >= 0 && i < count; i = next[i]!) {
      const isUnknown = ids[i] === NO_TOKEN;
      if (!isUnknown) output.push(ids[i]!);
      else if (unkId !== undefined && !(this.options.fuseUnk && this.lastWasUnknown)) output.push(unkId);
      this.lastWasUnknown = isUnknown;
      if (isUnknown) isKnown = false;
    }
    return isKnown;
  }

  /** The tokens of the characters of `word`; returns how many. */
  private symbols(word: string, ids: Int32Array): number {
    const { continuingPrefix = "", endSuffix = "" } = this.options;
    let count = 0;
    for (let i = 0; i < word.length; ) {
      const end = i + (word.codePointAt(i)! > 0xffff ? 2 : 1);
      let symbol = word.slice(i, end);
      if (i > 0) symbol = continuingPrefix + symbol;
      if (end === word.length) symbol += endSuffix;
      i = end;
      const id = this.vocabulary.textId(symbol);
      if (id !== undefined) ids[count++] = id;
      else {
        const pushed = pushBytes(symbol, this.byteIds, ids, count);
        if (pushed === 0) ids[count++] = NO_TOKEN;
        else count += pushed;
      }
    }
    return count;
  }
}

/** @throws MilletError TOKENIZER_BAD_VOCABULARY for merges that are neither strings nor pairs of strings */
export function checkedMerges(merges: readonly unknown[]): readonly MergeRule[] {
  const isMerge = (merge: unknown): merge is MergeRule =>
    typeof merge === "string" ||
    (Array.isArray(merge) &&
      merge.length === 2 &&
      typeof merge[0] === "string" &&
      typeof merge[1] === "string");
  const isMerges = (list: readonly unknown[]): list is readonly MergeRule[] => list.every(isMerge);
  if (!isMerges(merges)) {
    const at = merges.findIndex((merge) => !isMerge(merge));
    throw badVocabulary(
      `Merge ${at} is ${JSON.stringify(merges[at])?.slice(0, 80)}: it should be two pieces.`,
    );
  }
  return merges;
}
