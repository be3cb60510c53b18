/**
 * The tokenizer that all kinds share, composed of a vocabulary, a text model and a way to write pieces: finds special
 * tokens in text, hands the plain text between them to the model, and turns ids back into text. Synchronous; one call
 * at a time.
 */
import { type AddedToken, AddedTokenSplitter, type Allows } from "./added-tokens.js";
import { decodeAll, type PieceSource, Utf8StreamDecoder } from "./decoder.js";
import type { PieceWriter } from "./parts.js";
import type { TextModel } from "./text-model.js";
import type {
  DecodeOptions,
  EncodeOptions,
  StreamDecoder,
  TextSegment,
  Tokenizer,
  TokenizerKind,
  TokenKind,
} from "./types.js";
import type { Vocabulary } from "./vocabulary.js";

/** What a tokenizer is made of. */
export interface TokenizerParts {
  readonly kind: TokenizerKind;
  readonly vocabulary: Vocabulary;
  readonly model: TextModel;
  readonly pieces: PieceWriter;
  /** What `addBos` puts in front. Default: BOS, if there is one. */
  readonly prefixIds?: readonly number[] | undefined;
  /** What `addEos` appends. Default: EOS, if there is one. */
  readonly suffixIds?: readonly number[] | undefined;
  readonly addBos: boolean;
  readonly addEos: boolean;
  /** The tokens that are found in text. Default: all user-defined, unknown and control tokens of the vocabulary. */
  readonly addedTokens?: readonly AddedToken[] | undefined;
  /** Tokens that the model finds after normalization, and which are not to be found before. */
  readonly normalizedTokens?: readonly AddedToken[];
}

/** Puts a tokenizer together. */
export function composeTokenizer(parts: TokenizerParts): Tokenizer {
  return new ComposedTokenizer(parts);
}

class ComposedTokenizer implements Tokenizer {
  readonly kind: TokenizerKind;
  readonly addBos: boolean;
  readonly addEos: boolean;
  private readonly vocabulary: Vocabulary;
  private readonly model: TextModel;
  private readonly prefixIds: readonly number[];
  private readonly suffixIds: readonly number[];
  private readonly pieces: PieceSource;
  private readonly pieceCache: (Uint8Array | undefined)[];
  /** User-defined tokens only, for plain text. */
  private readonly userDefined: AddedTokenSplitter;
  /** All special tokens, where control tokens may appear. */
  private readonly allSpecial: AddedTokenSplitter;
  /** The same with the control tokens that the model would find: where not all text may spell them. */
  private readonly allWritten: AddedTokenSplitter;

  constructor(private readonly parts: TokenizerParts) {
    const { vocabulary, model, pieces } = parts;
    this.kind = parts.kind;
    this.vocabulary = vocabulary;
    this.model = model;
    this.prefixIds = parts.prefixIds ?? present(vocabulary.bosId);
    this.suffixIds = parts.suffixIds ?? present(vocabulary.eosId);
    this.addBos = parts.addBos && this.prefixIds.length > 0;
    this.addEos = parts.addEos && this.suffixIds.length > 0;
    this.pieceCache = new Array<Uint8Array | undefined>(vocabulary.size);
    this.pieces = {
      bytes: (id) => this.bytes(id),
      isSpecial: (id) => vocabulary.isSpecial(id),
      removesLeadingSpace: pieces.removesLeadingSpace,
    };
    const normalized = new Set((parts.normalizedTokens ?? []).map((token) => token.id));
    const isRaw = ({ id }: AddedToken) => !normalized.has(id);
    const found = parts.addedTokens ?? addedTokensOf(vocabulary);
    const userDefined = found.filter((token) => isRaw(token) && vocabulary.kind(token.id) === "user-defined");
    const hidden = found.filter(({ id }) => vocabulary.isSpecial(id));
    this.userDefined = new AddedTokenSplitter(userDefined);
    this.allSpecial = new AddedTokenSplitter([...userDefined, ...hidden.filter(isRaw)]);
    this.allWritten =
      normalized.size === 0 ? this.allSpecial : new AddedTokenSplitter([...userDefined, ...hidden]);
  }

  get vocabularySize(): number {
    return this.vocabulary.size;
  }
  get bosId(): number | undefined {
    return this.vocabulary.bosId;
  }
  get eosId(): number | undefined {
    return this.vocabulary.eosId;
  }
  get padId(): number | undefined {
    return this.vocabulary.padId;
  }
  get unkId(): number | undefined {
    return this.vocabulary.unkId;
  }
  get eotId(): number | undefined {
    return this.vocabulary.eotId;
  }
  get eomId(): number | undefined {
    return this.vocabulary.eomId;
  }
  get endOfGenerationIds(): readonly number[] {
    return this.vocabulary.endOfGenerationIds;
  }
  get isByteComplete(): boolean {
    return this.model.isByteComplete;
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    const { parseSpecial = false } = options;
    const splitter = parseSpecial ? this.allSpecial : this.userDefined;
    return this.run(wellFormed(text), splitter, undefined, parseSpecial, options);
  }

  encodeSegments(
    segments: readonly TextSegment[],
    options: Omit<EncodeOptions, "parseSpecial"> = {},
  ): number[] {
    // A surrogate pair cut in two by a segment's end is one character again in the joined text.
    const text = wellFormed(segments.map((segment) => segment.text).join(""));
    const untrusted: number[] = []; // start and end of each run of untrusted text, ascending
    let at = 0;
    for (const { text: part, trusted } of segments) {
      if (!trusted && part.length > 0) {
        if (untrusted.at(-1) === at) untrusted[untrusted.length - 1] = at + part.length;
        else untrusted.push(at, at + part.length);
      }
      at += part.length;
    }
    if (untrusted.length === 0) return this.run(text, this.allSpecial, undefined, true, options);
    let run = 0; // matches come from left to right, so the runs are walked once
    const allows: Allows = (id, start, end) => {
      if (this.vocabulary.kind(id) === "user-defined") return true;
      while (run < untrusted.length && untrusted[run + 1]! <= start) run += 2;
      return run >= untrusted.length || end <= untrusted[run]!;
    };
    // What normalized text spells cannot be told by its origin: there, control tokens are found as they are written.
    return this.run(text, this.allWritten, allows, false, options);
  }

  private run(
    text: string,
    splitter: AddedTokenSplitter,
    allows: Allows | undefined,
    parseSpecial: boolean,
    options: EncodeOptions,
  ): number[] {
    const output: number[] = [];
    if (options.addBos ?? this.addBos) output.push(...this.prefixIds);
    splitter.split(
      text,
      allows,
      (part, start) => this.model.encode(part, output, { isFirst: start === 0, parseSpecial }),
      (id) => output.push(id),
    );
    if (options.addEos ?? this.addEos) output.push(...this.suffixIds);
    return output;
  }

  decode(ids: ArrayLike<number>, options?: DecodeOptions): string {
    return decodeAll(this.pieces, ids, options);
  }

  createDecoder(options?: DecodeOptions): StreamDecoder {
    return new Utf8StreamDecoder(this.pieces, options);
  }

  /** The kept bytes of a piece: not for callers, who might write into them. */
  private bytes(id: number): Uint8Array {
    this.vocabulary.assertId(id);
    return (this.pieceCache[id] ??= this.parts.pieces.pieceBytes(id));
  }

  pieceBytes(id: number): Uint8Array {
    return this.bytes(id).slice();
  }

  piece(id: number): string {
    this.vocabulary.assertId(id);
    return this.vocabulary.text(id);
  }

  tokenKind(id: number): TokenKind {
    this.vocabulary.assertId(id);
    return this.vocabulary.kind(id);
  }

  tokenId(piece: string): number | undefined {
    return this.vocabulary.anyId(piece);
  }
}

function addedTokensOf(vocabulary: Vocabulary): AddedToken[] {
  const kinds = ["user-defined", "unknown", "control"] as const;
  return kinds.flatMap((kind) => vocabulary.idsOfKind(kind)).map((id) => ({ id, text: vocabulary.text(id) }));
}

function present(id: number | undefined): readonly number[] {
  return id === undefined ? [] : [id];
}

/** Lone surrogates become U+FFFD, as in every UTF-8 encoder. */
function wellFormed(text: string): string {
  return /\p{Cs}/u.test(text) ? text.replace(/\p{Cs}/gu, "\ufffd") : text;
}
