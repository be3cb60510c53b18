/**
 * The text model that is composed of parts: normalizer, added tokens that are found in normalized text,
 * pre-tokenizer, word model. Remembers the ids of short words.
 */
import { type AddedToken, AddedTokenSplitter } from "./added-tokens.js";
import type { EmitWord, Normalizer, PreTokenizer, WordModel } from "./parts.js";
import type { TextModel, TextPlace } from "./text-model.js";
import { WordCache } from "./word-cache.js";

export interface Pipeline {
  readonly normalizer?: Normalizer | undefined;
  readonly preTokenizer: PreTokenizer;
  readonly model: WordModel;
  /** Tokens that are found after normalization; their texts are normalized as well. */
  readonly normalizedTokens?: readonly (AddedToken & { readonly isControl: boolean })[];
}

export class PipelineModel implements TextModel {
  readonly isByteComplete: boolean;
  private readonly plainTokens: AddedTokenSplitter;
  private readonly allTokens: AddedTokenSplitter;
  private readonly cache = new WordCache();

  constructor(private readonly parts: Pipeline) {
    this.isByteComplete = parts.model.isByteComplete;
    const tokens = (parts.normalizedTokens ?? []).map((token) => ({
      ...token,
      text: parts.normalizer?.(token.text) ?? token.text,
    }));
    this.plainTokens = new AddedTokenSplitter(tokens.filter((token) => !token.isControl));
    this.allTokens = new AddedTokenSplitter(tokens);
  }

  encode(text: string, output: number[], { isFirst, parseSpecial }: TextPlace): void {
    const emit: EmitWord = (word) => this.encodeWord(word, output);
    const normalized = this.parts.normalizer?.(text) ?? text;
    (parseSpecial ? this.allTokens : this.plainTokens).split(
      normalized,
      undefined,
      (part, start) => this.parts.preTokenizer(part, isFirst && start === 0, emit),
      (id) => output.push(id),
    );
  }

  private encodeWord(word: string, output: number[]): void {
    const cached = this.cache.get(word);
    if (cached !== undefined) {
      for (let i = 0; i < cached.length; i++) output.push(cached[i]!);
      return;
    }
    const from = output.length;
    this.parts.model.encodeWord(word, output);
    this.cache.set(word, output, from);
  }
}
