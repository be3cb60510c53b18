/**
 * WordPiece (Schuster & Nakajima 2012, as BERT uses it): the longest token that begins the word, then the longest that
 * continues it, and so on; a word that cannot be finished is one unknown token.
 */
import type { WordModel } from "../parts.js";
import { PieceTrie } from "../piece-trie.js";
import type { Vocabulary } from "../vocabulary.js";

export interface WordPieceOptions {
  /** Marks tokens that begin a word: "" in tokenizer.json, U+2581 in GGUF. */
  readonly initialPrefix: string;
  /** Marks tokens that continue one: "##" in tokenizer.json, "" in GGUF. */
  readonly continuingPrefix: string;
  /** Longer words are unknown as a whole. */
  readonly maxCharacters: number;
}

export class WordPieceModel implements WordModel {
  readonly isByteComplete = false;
  private readonly initial: PieceTrie;
  private readonly continuing: PieceTrie;

  constructor(
    private readonly vocabulary: Vocabulary,
    private readonly options: WordPieceOptions,
  ) {
    const { initialPrefix, continuingPrefix } = options;
    const entries: (readonly [string, number])[] = [];
    for (let id = 0; id < vocabulary.size; id++) {
      if (vocabulary.isText(id)) entries.push([vocabulary.text(id), id]);
    }
    const withPrefix = (prefix: string) =>
      entries
        .filter(([text]) => text.startsWith(prefix))
        .map(([text, id]) => [text.slice(prefix.length), id] as const);
    this.initial = new PieceTrie(withPrefix(initialPrefix));
    this.continuing = new PieceTrie(withPrefix(continuingPrefix));
  }

  encodeWord(word: string, output: number[]): void {
    const from = output.length;
    if (!isLongerThan(word, this.options.maxCharacters)) {
      let at = 0;
      while (at < word.length) {
        const { id, end } = longest(at === 0 ? this.initial : this.continuing, word, at);
        if (id < 0) break;
        output.push(id);
        at = end;
      }
      if (at === word.length) return;
    }
    output.length = from;
    const unkId = this.vocabulary.textUnkId;
    if (unkId !== undefined) output.push(unkId);
  }
}

/** In characters, not in units. */
function isLongerThan(word: string, characters: number): boolean {
  if (word.length <= characters) return false;
  let count = 0;
  for (let i = 0; i < word.length && count <= characters; count++) i += word.codePointAt(i)! > 0xffff ? 2 : 1;
  return count > characters;
}

function longest(trie: PieceTrie, word: string, at: number): { id: number; end: number } {
  let id = -1;
  let found = at;
  for (let node = 0, end = at; end < word.length; ) {
    node = trie.next(node, word.charCodeAt(end++));
    if (node === 0) break;
    const value = trie.value(node);
    if (value >= 0) {
      id = value;
      found = end;
    }
  }
  return { id, end: found };
}
