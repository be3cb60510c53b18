/**
 * The merges of a BPE vocabulary, applied to a word of token ids in the order of their rank, leftmost first. A merge
 * that would make or use a control token is never applied.
 */
import { textOf } from "../../platform/text-list.js";
import { PairMerger, type PairRules } from "../merge.js";
import { PairTable } from "../pair-table.js";
import type { Vocabulary } from "../vocabulary.js";
import { badMerge, type MergeList } from "./merge-list.js";

export interface BpeMergerOptions {
  /** Of equal merges the last counts (tokenizer.json) instead of the first (GGUF). */
  readonly lastCounts?: boolean;
  /** Leading characters of a right piece that the merged token lacks. */
  readonly prefixLength?: number;
}

/** Scratch kept between words; longer words get their own. */
const KEPT_IDS = 1024;

export class BpeMerger implements PairRules {
  private readonly ranks: PairTable;
  /** Token that the merge of each rank makes. // [merges] */
  private readonly merged: Int32Array;
  private readonly merger = new PairMerger();
  private readonly scratch = new Int32Array(KEPT_IDS);
  private current = this.scratch;

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  constructor(
    private readonly vocabulary: Vocabulary,
    merges: MergeList,
    { lastCounts = false, prefixLength = 0 }: BpeMergerOptions = {},
  ) {
    this.ranks = new PairTable(merges.length);
    this.merged = new Int32Array(merges.length);
    const step = lastCounts ? -1 : 1;
    // The table keeps the first rank that a pair is given.
    let rank = lastCounts ? merges.length - 1 : 0;
    for (let i = 0, joined = -1; i < merges.length; i++, rank += step) {
      // Vocabularies are trained merge by merge: the next one mostly makes the next token.
      merges.show(rank);
      joined = this.add(merges, rank, prefixLength, joined + step);
    }
  }

  /** Returns the token that the merge makes. */
  private add(merge: MergeList, rank: number, prefixLength: number, guess: number): number {
    const { vocabulary } = this;
    const { units, start, gap, resume, end } = merge;
    const left = vocabulary.textIdOfUnits(units, start, gap);
    const right = vocabulary.textIdOfUnits(units, resume, end);
    const shortened = Math.min(resume + prefixLength, end);
    const joined = vocabulary.textIdOfJoined(units, start, gap, shortened, end, guess);
    if (joined === undefined || left === undefined || right === undefined) {
      this.checkPieces([textOf(units, start, gap), textOf(units, resume, end)], rank, prefixLength);
      return guess; // would make or use a control token: never applied
    }
    this.merged[rank] = joined;
    this.ranks.set(left, right, rank);
    return joined;
  }

  private checkPieces([left, right]: readonly [string, string], rank: number, prefixLength: number): void {
    for (const piece of [left, right, left + right.slice(prefixLength)]) {
      if (this.vocabulary.anyId(piece) === undefined) {
        throw badMerge([left, right], rank, `${JSON.stringify(piece.slice(0, 80))} is not a token`);
      }
    }
  }

  /** Room for a word of `length` ids, to be filled before {@link run}; -1 stands for no token. */
  ids(length: number): Int32Array {
    return (this.current = length <= KEPT_IDS ? this.scratch : new Int32Array(length));
  }

  /** Merges the first `length` ids to the end. Returns each one's next live one, -1 after the last; 0 lives. */
  run(length: number): Int32Array {
    return this.merger.run(length, this);
  }

  priority(left: number, right: number): number {
    const leftId = this.current[left]!;
    const rightId = this.current[right]!;
    return leftId < 0 || rightId < 0 ? -1 : this.ranks.get(leftId, rightId);
  }

  merge(left: number, _right: number, rank: number): void {
    this.current[left] = this.merged[rank]!;
  }
}
