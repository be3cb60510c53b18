/** The merges of a BPE vocabulary by their rank, shown one at a time as ranges of units: no strings are made of them. */
import { TextList, writeUnits } from "../../platform/text-list.js";
import { badVocabulary } from "../vocabulary.js";

/** "left right", or both pieces by themselves. */
export type MergeRule = string | readonly [left: string, right: string];

/** By rank; a {@link TextList} has all as "left right". */
export type MergeRules = readonly MergeRule[] | TextList;

const SPACE = 0x20;

/** The merge that is shown has units [start, gap) as its left piece and [resume, end) as its right one. */
export class MergeList {
  start = 0;
  gap = 0;
  resume = 0;
  end = 0;

  constructor(
    private readonly texts: TextList,
    /** Where right pieces begin; without it, a space is between the pieces. */
    private readonly gaps?: Uint32Array,
  ) {}

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  static of(merges: MergeRules): MergeList {
    if (merges instanceof TextList) return new MergeList(merges);
    const isWritten = (merge: MergeRule): merge is string => typeof merge === "string";
    if (merges.every(isWritten)) return new MergeList(TextList.of(merges));
    return splitMerges(merges.map((merge, rank) => (isWritten(merge) ? split(merge, rank) : merge)));
  }

  get length(): number {
    return this.texts.length;
  }

  get units(): Uint16Array {
    return this.texts.units;
  }

  /** Whether the left piece of any merge begins with `text`. */
  someBegins(text: string): boolean {
    const { units, starts } = this.texts;
    const ends = this.gaps ?? starts.subarray(1);
    for (let rank = 0; rank < this.length; rank++) {
      const start = starts[rank]!;
      const most = Math.min(text.length, ends[rank]! - start);
      let same = 0;
      while (same < most && units[start + same] === text.charCodeAt(same)) same++;
      if (same === text.length) return true;
    }
    return false;
  }

  /** Goes to the merge of that rank. @throws MilletError TOKENIZER_BAD_VOCABULARY */
  show(rank: number): void {
    const { units, starts } = this.texts;
    const end = starts[rank + 1]!;
    this.start = starts[rank]!;
    this.end = end;
    if (this.gaps !== undefined) {
      this.gap = this.resume = this.gaps[rank]!;
      return;
    }
    let gap = this.start + 1;
    while (gap < end && units[gap] !== SPACE) gap++;
    if (gap + 1 >= end) throw notTwoPieces(this.texts.text(rank), rank);
    this.gap = gap;
    this.resume = gap + 1;
  }
}

function splitMerges(merges: readonly (readonly [string, string])[]): MergeList {
  const starts = new Uint32Array(merges.length + 1);
  const gaps = new Uint32Array(merges.length);
  let total = 0;
  for (const [left, right] of merges) total += left.length + right.length;
  const units = new Uint16Array(total);
  for (let rank = 0; rank < merges.length; rank++) {
    const [left, right] = merges[rank]!;
    gaps[rank] = writeUnits(left, units, starts[rank]!);
    starts[rank + 1] = writeUnits(right, units, gaps[rank]!);
  }
  return new MergeList(new TextList(units, starts), gaps);
}

function split(merge: string, rank: number): readonly [string, string] {
  const at = merge.indexOf(" ", 1);
  if (at < 0 || at + 1 >= merge.length) throw notTwoPieces(merge, rank);
  return [merge.slice(0, at), merge.slice(at + 1)];
}

function notTwoPieces(merge: string, rank: number) {
  return badMerge(merge, rank, "it should be two pieces with a space between them");
}

export function badMerge(merge: MergeRule, rank: number, why: string) {
  return badVocabulary(`Merge ${rank} is ${JSON.stringify(merge).slice(0, 160)}: ${why}.`);
}
