/** GGUF's "llama": SentencePiece's own merging. */
import type { TokenizerSource } from "../types.js";
import type { Vocabulary } from "../vocabulary.js";
import type { KindParts } from "./kind.js";
import { SpmModel } from "./spm-model.js";

export function spm(description: TokenizerSource, vocabulary: Vocabulary): KindParts {
  const model = new SpmModel(description, vocabulary);
  return { model, pieces: model };
}
