/**
 * The merges of a BPE vocabulary, applied to a word of token ids in the order of their rank, leftmost first. A merge
 * that would make or use a control token is never applied.
 */
import { PairMerger, type PairRules } from "../merge.js";
import { PairTable } from "../pair-table.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";

/** "left right", or both pieces by themselves. */
export type MergeRule = string | readonly [left: string, right: string];

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
    merges: readonly MergeRule[],
    { lastCounts = false, prefixLength = 0 }: BpeMergerOptions = {},
  ) {
    this.ranks = new PairTable(merges.length);
    this.merged = new Int32Array(merges.length);
    // The table keeps the first rank that a pair is given.
    for (let i = 0; i < merges.length; i++) {
      const rank = lastCounts ? merges.length - 1 - i : i;
      this.add(merges[rank]!, rank, prefixLength);
    }
  }

  private add(merge: MergeRule, rank: number, prefixLength: number): void {
    const { vocabulary } = this;
    let left: number | undefined;
    let right: number | undefined;
    let joined: number | undefined;
    if (typeof merge === "string" && prefixLength === 0) {
      // Without making strings of the parts: vocabularies have hundreds of thousands of merges.
      const at = merge.indexOf(" ", 1);
      if (at < 0 || at + 1 >= merge.length) throw notTwoPieces(merge, rank);
      left = vocabulary.textIdOfPart(merge, 0, at);
      right = vocabulary.textIdOfPart(merge, at + 1, merge.length);
      joined = vocabulary.textIdOfPart(merge, 0, merge.length, at);
    } else {
      const [first, second] = piecesOf(merge, rank);
      left = vocabulary.textId(first);
      right = vocabulary.textId(second);
      joined = vocabulary.textIdOfConcatenation(first, second.slice(prefixLength));
    }
    if (joined === undefined || left === undefined || right === undefined) {
      this.checkPieces(piecesOf(merge, rank), rank, prefixLength);
      return; // would make or use a control token: never applied
    }
    this.merged[rank] = joined;
    this.ranks.set(left, right, rank);
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

function piecesOf(merge: MergeRule, rank: number): readonly [string, string] {
  if (typeof merge !== "string") return merge;
  const at = merge.indexOf(" ", 1);
  if (at < 0 || at + 1 >= merge.length) throw notTwoPieces(merge, rank);
  return [merge.slice(0, at), merge.slice(at + 1)];
}

function notTwoPieces(merge: MergeRule, rank: number) {
  return badMerge(merge, rank, "it should be two pieces with a space between them");
}

function badMerge(merge: MergeRule, rank: number, why: string) {
  return badVocabulary(`Merge ${rank} is ${JSON.stringify(merge).slice(0, 160)}: ${why}.`);
}
