/**
 * Unigram (Kudo 2018): of all ways to cut a word into tokens the one with the highest sum of scores, found by Viterbi's
 * algorithm from left to right. A character without a token costs more than any token. Sums are in float64 and the
 * first of equals stays, as in SentencePiece and in the `tokenizers` library.
 */
import type { WordModel } from "../parts.js";
import { PieceTrie } from "../piece-trie.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { byteTokenIds, pushBytes } from "./byte-tokens.js";

export interface UnigramOptions {
  /** Characters without a token are spelled in byte tokens where all of their bytes have one. */
  readonly byteFallback?: boolean;
}

/** How much worse than the worst token a character without one is. */
const UNKNOWN_PENALTY = 10;
const UNKNOWN = -2;
/** Scratch kept between words; longer words get their own. */
const KEPT = 1024;

export class UnigramModel implements WordModel {
  readonly isByteComplete: boolean;
  private readonly trie: PieceTrie;
  private readonly scores: Float64Array;
  private readonly unknownScore: number;
  private readonly byteIds: Int32Array;
  private readonly scratch = new Lattice(KEPT);

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  constructor(
    private readonly vocabulary: Vocabulary,
    scores: ArrayLike<number>,
    { byteFallback = false }: UnigramOptions = {},
  ) {
    this.scores = Float64Array.from(scores);
    const bad = this.scores.findIndex((score) => !Number.isFinite(score));
    if (bad >= 0) throw badVocabulary(`The score of token ${bad} is not a finite number.`);
    let least = 0;
    for (const score of this.scores) if (score < least) least = score;
    this.unknownScore = least - UNKNOWN_PENALTY;
    const entries: (readonly [string, number])[] = [];
    for (let id = 0; id < this.scores.length; id++) {
      if (vocabulary.isText(id)) entries.push([vocabulary.text(id), id]);
    }
    this.trie = new PieceTrie(entries);
    this.byteIds = byteFallback ? byteTokenIds(vocabulary) : new Int32Array(256).fill(-1);
    this.isByteComplete = !this.byteIds.includes(-1);
  }

  encodeWord(word: string, output: number[]): void {
    const lattice = word.length < KEPT ? this.scratch : new Lattice(word.length + 1);
    this.fill(word, lattice);
    const { starts, ids } = lattice;
    const path: number[] = []; // ends of tokens, from the last to the first
    for (let end = word.length; end > 0; end = starts[end]!) path.push(end);
    const unkId = this.vocabulary.textUnkId;
    let unknownFrom = -1; // neighbouring unknown characters are one unknown token
    const flush = (end: number): void => {
      if (unknownFrom < 0) return;
      const pushed = pushBytes(word.slice(unknownFrom, end), this.byteIds, output, output.length);
      if (pushed === 0 && unkId !== undefined) output.push(unkId);
      unknownFrom = -1;
    };
    for (let i = path.length - 1; i >= 0; i--) {
      const end = path[i]!;
      if (ids[end] === UNKNOWN) {
        if (unknownFrom < 0) unknownFrom = starts[end]!;
        continue;
      }
      flush(starts[end]!);
      output.push(ids[end]!);
    }
    flush(word.length);
  }

  /** The best way to each place of `word`. */
  private fill(word: string, { best, starts, ids }: Lattice): void {
    starts.fill(-1, 0, word.length + 1);
    best[0] = 0;
    for (let at = 0; at < word.length; ) {
      const single = word.codePointAt(at)! > 0xffff ? 2 : 1;
      const here = best[at]!;
      let hasSingle = false;
      for (let node = 0, end = at; end < word.length; ) {
        node = this.trie.next(node, word.charCodeAt(end++));
        if (node === 0) break;
        const id = this.trie.value(node);
        if (id < 0) continue;
        const score = here + this.scores[id]!;
        if (starts[end]! < 0 || score > best[end]!) {
          best[end] = score;
          starts[end] = at;
          ids[end] = id;
        }
        if (end - at === single) hasSingle = true;
      }
      const end = at + single;
      const score = here + this.unknownScore;
      if (!hasSingle && (starts[end]! < 0 || score > best[end]!)) {
        best[end] = score;
        starts[end] = at;
        ids[end] = UNKNOWN;
      }
      at = end;
    }
  }
}

/** For each place of a word: the score of the best way there, where its last token starts, and that token. */
class Lattice {
  readonly best: Float64Array;
  readonly starts: Int32Array;
  readonly ids: Int32Array;

  constructor(places: number) {
    this.best = new Float64Array(places);
    this.starts = new Int32Array(places);
    this.ids = new Int32Array(places);
  }
}
