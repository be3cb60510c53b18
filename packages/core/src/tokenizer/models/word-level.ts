/** Whole words: each is a token or unknown. */
import type { WordModel } from "../parts.js";
import type { Vocabulary } from "../vocabulary.js";

export class WordLevelModel implements WordModel {
  readonly isByteComplete = false;

  constructor(private readonly vocabulary: Vocabulary) {}

  encodeWord(word: string, output: number[]): void {
    const id = this.vocabulary.textId(word) ?? this.vocabulary.textUnkId;
    if (id !== undefined) output.push(id);
  }
}
