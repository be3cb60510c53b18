/**
 * SentencePiece BPE (Kudo & Richardson 2018) as Llama uses it: spaces are written U+2581, neighbouring
 * pieces join when their union is a token, the highest score first, and what remains without a token is
 * spelled in byte tokens <0xXX>. Only text tokens take part, so text can neither spell a control token nor
 * a byte token.
 */

import { JoinedBigrams } from "../bigrams.js";
import { PairMerger, type PairRules } from "../merge.js";
import type { PieceWriter } from "../parts.js";
import type { TextModel } from "../text-model.js";
import type { TokenizerSource } from "../types.js";
import { badVocabulary, type Vocabulary } from "../vocabulary.js";
import { WordCache } from "../word-cache.js";

const SPACE_SYMBOL = "\u2581";
const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;
const utf8 = new TextEncoder();

export class SpmModel implements TextModel, PieceWriter, PairRules {
  readonly isByteComplete: boolean;
  /** Text begins as if a space stood before it. */
  readonly removesLeadingSpace: boolean;
  /** Merge priority of each token: its place among the distinct scores, the highest first. // [tokens] */
  private readonly priorities: Int32Array;
  /** Token of each byte, or -1. // [256] */
  private readonly byteIds: Int32Array;
  private readonly words: JoinedBigrams;
  private readonly merger = new PairMerger();
  private readonly cache = new WordCache();
  /** The word being merged: node i spans starts[i]..ends[i] of it. */
  private word = "";
  private starts = new Int32Array(1024);
  private ends = new Int32Array(1024);

  /** @throws MilletError TOKENIZER_BAD_VOCABULARY */
  constructor(
    description: TokenizerSource,
    private readonly vocabulary: Vocabulary,
  ) {
    this.removesLeadingSpace = description.addSpacePrefix ?? true;
    this.priorities = prioritiesOf(description.scores, vocabulary.size);
    this.byteIds = new Int32Array(256).fill(-1);
    for (const id of vocabulary.idsOfKind("byte")) {
      const match = BYTE_TOKEN.exec(vocabulary.text(id));
      if (match === null) {
        throw badVocabulary(
          `Byte token ${id} is ${JSON.stringify(vocabulary.text(id))} instead of <0x00> to <0xFF>.`,
        );
      }
      this.byteIds[Number.parseInt(match[1]!, 16)] = id;
    }
    this.isByteComplete = !this.byteIds.includes(-1);
    this.words = new JoinedBigrams(vocabulary);
  }

  encode(text: string, output: number[]): void {
    // Joined before the replacement, which makes one flat string: V8 copies a joined one at each look into it.
    const symbols = (this.removesLeadingSpace ? ` ${text}` : text).replaceAll(" ", SPACE_SYMBOL);
    for (let at = 0; at < symbols.length; ) {
      const end = this.words.end(symbols, at);
      const word = symbols.slice(at, end);
      at = end;
      const cached = this.cache.get(word);
      if (cached !== undefined) {
        for (let i = 0; i < cached.length; i++) output.push(cached[i]!);
        continue;
      }
      const from = output.length;
      this.encodeWord(word, output);
      this.cache.set(word, output, from);
    }
  }

  private encodeWord(word: string, output: number[]): void {
    const keptStarts = this.starts;
    const keptEnds = this.ends;
    if (word.length > keptStarts.length) {
      this.starts = new Int32Array(word.length);
      this.ends = new Int32Array(word.length);
    }
    this.word = word;
    let count = 0;
    for (let i = 0; i < word.length; count++) {
      this.starts[count] = i;
      i += word.codePointAt(i)! > 0xffff ? 2 : 1;
      this.ends[count] = i;
    }
    const next = this.merger.run(count, this);
    for (let i = 0; i >= 0; i = next[i]!) this.emit(word.slice(this.starts[i]!, this.ends[i]!), output);
    this.word = "";
    this.starts = keptStarts;
    this.ends = keptEnds;
  }

  private emit(piece: string, output: number[]): void {
    const id = this.vocabulary.textId(piece);
    if (id !== undefined) {
      output.push(id);
      return;
    }
    for (const byte of utf8.encode(piece)) {
      const byteId = this.byteIds[byte]! >= 0 ? this.byteIds[byte]! : this.vocabulary.textUnkId;
      if (byteId !== undefined) output.push(byteId);
    }
  }

  priority(left: number, right: number): number {
    const id = this.vocabulary.textId(this.word.slice(this.starts[left]!, this.ends[right]!));
    return id === undefined ? -1 : this.priorities[id]!;
  }

  merge(left: number, right: number): void {
    this.ends[left] = this.ends[right]!;
  }

  pieceBytes(id: number): Uint8Array {
    const text = this.vocabulary.text(id);
    const kind = this.vocabulary.kind(id);
    if (kind === "byte") return Uint8Array.of(Number.parseInt(text.slice(3, 5), 16));
    if (kind === "control" || kind === "unknown") return utf8.encode(text);
    return utf8.encode(text.replaceAll(SPACE_SYMBOL, " "));
  }
}

function prioritiesOf(scores: ArrayLike<number> | undefined, count: number): Int32Array {
  if (scores === undefined)
    throw badVocabulary('A "spm" vocabulary needs a score for each token, and this one has none.');
  if (scores.length !== count) {
    throw badVocabulary(`The vocabulary has ${count} tokens but ${scores.length} scores.`);
  }
  const values = Float64Array.from(scores);
  const nan = values.findIndex((value) => Number.isNaN(value));
  if (nan >= 0) throw badVocabulary(`The score of token ${nan} is not a number.`);
  const order = Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
  const priorities = new Int32Array(count);
  let place = 0;
  order.forEach((id, i) => {
    if (i > 0 && values[order[i - 1]!] !== values[id]) place++;
    priorities[id] = place;
  });
  return priorities;
}
