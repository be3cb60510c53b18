/** Sizes that the kernels of sample share: lists of candidates in order, and where a row's results lie. */
import { candidatesLength } from "@millet/core/ops";
import type { Matrix } from "../../lower/matrix.js";

/** Entries that one workgroup sorts at once. */
export const SORT_SIZE = 1024;
export const THREADS = 256;
/** Most candidates, and entries of a history, that the kernels take. */
export const MOST_CANDIDATES = 256;
export const MOST_HISTORY = 256;
/** Most tokens: a part of the vocabulary, of which there are 16 at least, marks its history in 4 KB. */
export const MOST_VOCABULARY = 2 ** 19;
/** Most lists that the first kernel leaves: so two merges suffice for any vocabulary. */
const MOST_LISTS = 32;

/** What a token that is not there looks like in a list. */
export const NO_ID = "0xffffffffu";

export interface SampleSpec {
  readonly label: string;
  /** f32 [R, V] */
  readonly logits: Matrix;
  /** Words in the call's buffer: i32[R, H] and f32[R, S]. */
  readonly history: number;
  readonly settings: number;
  /** H and S. */
  readonly historyLength: number;
  readonly settingsColumns: number;
  /** K */
  readonly candidates: number;
  /** i32[R], i32[R, H] and f32[R, 4 + 2K + H], as core's op sample has them. */
  readonly token: Matrix;
  readonly nextHistory: Matrix;
  readonly packed: Matrix;
}

/** How a row of the vocabulary is dealt to workgroups, and what each leaves. */
export interface SampleLayout {
  /** Lists of `candidates` entries after the first kernel, and logits that each stands for. */
  readonly lists: number;
  readonly chunk: number;
  /** Lists that one workgroup of a merge takes. */
  readonly fanIn: number;
  /** Words of a list: ids[K], logits[K], after the four sums of the first kernel (see chunks.ts). */
  readonly listWords: number;
  readonly packedLength: number;
}

export function sampleLayout({ logits, candidates, historyLength }: SampleSpec): SampleLayout {
  const fanIn = Math.floor(SORT_SIZE / candidates);
  const lists = Math.min(MOST_LISTS, fanIn * fanIn, Math.max(1, Math.ceil(logits.width / SORT_SIZE)));
  return {
    lists,
    chunk: Math.ceil(logits.width / lists),
    fanIn,
    listWords: 2 * candidates + 4,
    packedLength: candidatesLength(candidates, historyLength),
  };
}
