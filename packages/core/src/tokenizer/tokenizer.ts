/**
 * The tokenizer that all kinds share: finds special tokens in text, hands the plain text between them to the
 * kind's model, and turns ids back into text. Synchronous; one call at a time.
 */
import { MilletError } from "../errors.js";
import { BpeModel } from "./bpe.js";
import { decodeAll, type PieceSource, Utf8StreamDecoder } from "./decoder.js";
import { SpecialMatcher } from "./special-matcher.js";
import { SpmModel } from "./spm.js";
import type { TextModel } from "./text-model.js";
import type {
  DecodeOptions,
  EncodeOptions,
  StreamDecoder,
  TextSegment,
  Tokenizer,
  TokenizerDescription,
  TokenKind,
} from "./types.js";
import { Vocabulary } from "./vocabulary.js";

/** The kinds of tokenizers, one factory each. */
const KINDS: Readonly<
  Record<
    TokenizerDescription["kind"],
    (description: TokenizerDescription, vocabulary: Vocabulary) => TextModel
  >
> = {
  bpe: (description, vocabulary) => new BpeModel(description, vocabulary),
  spm: (description, vocabulary) => new SpmModel(description, vocabulary),
};

/**
 * Builds a tokenizer from plain data.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function createTokenizer(description: TokenizerDescription): Tokenizer {
  const create = Object.hasOwn(KINDS, description.kind) ? KINDS[description.kind] : undefined;
  if (create === undefined) {
    throw new MilletError(
      "TOKENIZER_UNSUPPORTED",
      `Millet has no tokenizer of the kind ${JSON.stringify(description.kind)}; it has ${Object.keys(KINDS).join(" and ")}.`,
    );
  }
  const vocabulary = new Vocabulary(description);
  return new ModelTokenizer(description, vocabulary, create(description, vocabulary));
}

type Allows = (id: number, start: number, end: number) => boolean;

class ModelTokenizer implements Tokenizer {
  readonly kind: TokenizerDescription["kind"];
  readonly addBos: boolean;
  readonly addEos: boolean;
  private readonly pieces: PieceSource;
  private readonly pieceCache: (Uint8Array | undefined)[];
  /** User-defined tokens only, for plain text; all special tokens, where control tokens may appear. */
  private readonly userDefined: SpecialMatcher;
  private readonly allSpecial: SpecialMatcher;

  constructor(
    description: TokenizerDescription,
    private readonly vocabulary: Vocabulary,
    private readonly model: TextModel,
  ) {
    this.kind = description.kind;
    this.addBos = (description.addBos ?? false) && vocabulary.bosId !== undefined;
    this.addEos = (description.addEos ?? false) && vocabulary.eosId !== undefined;
    this.pieceCache = new Array<Uint8Array | undefined>(vocabulary.size);
    this.pieces = {
      bytes: (id) => this.bytes(id),
      isSpecial: (id) => vocabulary.isSpecial(id),
      removesLeadingSpace: model.addsSpacePrefix,
    };
    const entries = (ids: number[]) => ids.map((id) => [vocabulary.tokens[id]!, id] as const);
    const userDefined = entries(vocabulary.idsOfKind("user-defined"));
    const hidden = entries([...vocabulary.idsOfKind("unknown"), ...vocabulary.idsOfKind("control")]);
    this.userDefined = new SpecialMatcher(userDefined);
    this.allSpecial = new SpecialMatcher([...userDefined, ...hidden]);
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
    const matcher = options.parseSpecial ? this.allSpecial : this.userDefined;
    return this.run(wellFormed(text), matcher, () => true, options);
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
    let run = 0; // matches come from left to right, so the runs are walked once
    const allows: Allows = (id, start, end) => {
      if (this.vocabulary.kind(id) === "user-defined") return true;
      while (run < untrusted.length && untrusted[run + 1]! <= start) run += 2;
      return run >= untrusted.length || end <= untrusted[run]!;
    };
    return this.run(text, this.allSpecial, allows, options);
  }

  private run(text: string, matcher: SpecialMatcher, allows: Allows, options: EncodeOptions): number[] {
    const output: number[] = [];
    if ((options.addBos ?? this.addBos) && this.bosId !== undefined) output.push(this.bosId);
    let afterSpecial = true;
    const plain = (part: string): void => {
      if (part.length === 0) return;
      this.model.encode(afterSpecial && this.model.addsSpacePrefix ? ` ${part}` : part, output);
      afterSpecial = false;
    };
    let at = 0;
    for (
      let match = matcher.find(text, 0, allows);
      match !== undefined;
      match = matcher.find(text, at, allows)
    ) {
      plain(text.slice(at, match.start));
      output.push(match.id);
      afterSpecial = true;
      at = match.end;
    }
    plain(at === 0 ? text : text.slice(at));
    if ((options.addEos ?? this.addEos) && this.eosId !== undefined) output.push(this.eosId);
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
    return (this.pieceCache[id] ??= this.model.pieceBytes(id));
  }

  pieceBytes(id: number): Uint8Array {
    return this.bytes(id).slice();
  }

  piece(id: number): string {
    this.vocabulary.assertId(id);
    return this.vocabulary.tokens[id]!;
  }

  tokenKind(id: number): TokenKind {
    this.vocabulary.assertId(id);
    return this.vocabulary.kind(id);
  }

  tokenId(piece: string): number | undefined {
    return this.vocabulary.anyId(piece);
  }
}

/** Lone surrogates become U+FFFD, as in every UTF-8 encoder. */
function wellFormed(text: string): string {
  return /\p{Cs}/u.test(text) ? text.replace(/\p{Cs}/gu, "\ufffd") : text;
}
