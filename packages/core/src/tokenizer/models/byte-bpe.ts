/**
 * Byte-level BPE (Radford et al. 2019): each word's UTF-8 bytes become symbols, and merges join neighbours in the
 * order of their rank. Control tokens are never the result of a merge.
 */

import { BYTE_SYMBOLS, bytesToSymbols } from "../byte-symbols.js";
import type { WordModel } from "../parts.js";
import type { Vocabulary } from "../vocabulary.js";
import { BpeMerger, type BpeMergerOptions } from "./bpe-merger.js";
import { MergeList, type MergeRules } from "./merge-list.js";

const utf8 = new TextEncoder();

export interface ByteBpeOptions extends BpeMergerOptions {
  /** A word that is a token as a whole skips the merges. */
  readonly ignoreMerges?: boolean;
}

export class ByteBpeModel implements WordModel {
  readonly isByteComplete: boolean;
  /** Token of each byte, or -1. // [256] */
  private readonly byteIds: Int32Array;
  private readonly merger: BpeMerger;
  private readonly scratch = new Uint8Array(1024);

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  constructor(
    private readonly vocabulary: Vocabulary,
    merges: MergeRules,
    private readonly options: ByteBpeOptions = {},
  ) {
    this.byteIds = Int32Array.from(BYTE_SYMBOLS, (symbol) => vocabulary.textId(symbol) ?? -1);
    this.isByteComplete = !this.byteIds.includes(-1);
    this.merger = new BpeMerger(vocabulary, MergeList.of(merges), options);
  }

  encodeWord(word: string, output: number[]): void {
    const isLong = word.length * 3 > this.scratch.length;
    const buffer = isLong ? new Uint8Array(word.length * 3) : this.scratch;
    const bytes = buffer.subarray(0, utf8.encodeInto(word, buffer).written);
    if (this.options.ignoreMerges) {
      const id = this.vocabulary.textId(bytesToSymbols(bytes));
      if (id !== undefined) {
        output.push(id);
        return;
      }
    }
    const ids = this.merger.ids(bytes.length);
    for (let i = 0; i < bytes.length; i++) ids[i] = this.byteIds[bytes[i]!]!;
    const next = this.merger.run(bytes.length);
    for (let i = 0; i >= 0; i = next[i]!) {
      const id = ids[i]! >= 0 ? ids[i]! : this.vocabulary.textUnkId;
      if (id !== undefined) output.push(id);
    }
  }
}
