/**
 * A checked vocabulary: texts, kinds and special ids of the tokens, and the look-up from text to id. Which
 * tokens count as control tokens is decided here, once. Knows nothing of how text becomes tokens.
 */
import { MilletError } from "../errors.js";
import { TextList } from "../platform/text-list.js";
import { TokenTable } from "./token-table.js";
import { TOKEN_KINDS, type TokenizerSource, type TokenKind } from "./types.js";

/** Tokens that end an answer in well-known chat formats. */
const WELL_KNOWN_ENDS = [
  "<|im_end|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<end_of_turn>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "<|EOT|>",
  "<end_of_utterance>",
  "<\uff5cend\u2581of\u2581sentence\uff5c>",
];
/** Tokens that begin a turn: never to be written by a user, whatever kind a file gives them. */
const WELL_KNOWN_STARTS = ["<|im_start|>", "<|start_header_id|>", "<|end_header_id|>", "<start_of_turn>"];

const KIND = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 } as const;
const MAX_TOKENS = 2 ** 21;

export function badVocabulary(message: string, details?: Record<string, unknown>): MilletError {
  return new MilletError(
    "TOKENIZER_BAD_VOCABULARY",
    `${message} The file is damaged or was converted wrongly: get it again, or convert it again.`,
    details === undefined ? {} : { details },
  );
}

/** What a vocabulary is made from. */
export type VocabularyDescription = Pick<
  TokenizerSource,
  "tokens" | "tokenKinds" | "bosId" | "eosId" | "padId" | "unkId" | "eotId" | "eomId" | "sepId"
> & {
  /** Tokens that end an answer, besides those above and the well-known ones. */
  readonly endOfGenerationIds?: readonly number[] | undefined;
};

export class Vocabulary {
  /** As the vocabulary writes them, by id. */
  readonly texts: TextList;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  readonly unkId: number | undefined;
  readonly eotId: number | undefined;
  readonly eomId: number | undefined;
  readonly sepId: number | undefined;
  readonly endOfGenerationIds: readonly number[];
  private readonly kinds: Uint8Array;
  /** Text tokens only (normal, user-defined, unused): what ordinary text may become. */
  private readonly textIds: TokenTable;
  /** Control, unknown and byte tokens. */
  private readonly otherIds = new Map<string, number>();

  /** @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY */
  constructor(description: VocabularyDescription) {
    const tokens =
      description.tokens instanceof TextList ? description.tokens : TextList.of(description.tokens);
    if (tokens.length === 0) {
      throw new MilletError(
        "TOKENIZER_MISSING",
        "The vocabulary has no tokens, so text cannot be read or written. Use a file that contains its tokenizer.",
      );
    }
    if (tokens.length > MAX_TOKENS) {
      throw badVocabulary(`The vocabulary claims ${tokens.length} tokens; at most ${MAX_TOKENS} make sense.`);
    }
    this.texts = tokens;
    this.kinds = checkedKinds(tokens.length, description.tokenKinds);
    this.bosId = this.checkedId("BOS", description.bosId);
    this.eosId = this.checkedId("EOS", description.eosId);
    this.padId = this.checkedId("padding", description.padId);
    this.unkId = this.checkedId("unknown", description.unkId);
    this.eotId = this.checkedId("end-of-turn", description.eotId);
    this.eomId = this.checkedId("end-of-message", description.eomId);
    this.sepId = this.checkedId("separator", description.sepId);
    const ends = description.endOfGenerationIds ?? [];
    for (const id of ends) this.checkedId("end-of-generation", id);
    // Text may become the unknown token, and no control token; one that has another duty stays a control token.
    const { unkId } = this;
    if (unkId !== undefined && this.kinds[unkId] === KIND.control) this.kinds[unkId] = KIND.unknown;
    this.promoteControlTokens(ends);
    this.textIds = new TokenTable(tokens);
    // Of tokens with one text the last counts, as in llama.cpp.
    const { length } = tokens;
    for (let id = 0; id < length; id++) {
      if (this.isText(id)) this.textIds.set(id);
      else this.otherIds.set(tokens.text(id), id);
    }
    this.endOfGenerationIds = this.findEnds(ends);
  }

  get size(): number {
    return this.texts.length;
  }

  /** Token `id` as the vocabulary writes it. */
  text(id: number): string {
    return this.texts.text(id);
  }

  kind(id: number): TokenKind {
    return TOKEN_KINDS[this.kinds[id]! - 1]!;
  }

  /** False for what is no id as well. */
  isText(id: number): boolean {
    const kind = this.kinds[id]!;
    return kind === KIND.normal || kind === KIND.userDefined || kind === KIND.unused;
  }

  /** Left out of text for people: control tokens and the unknown token. */
  isSpecial(id: number): boolean {
    return this.kinds[id] === KIND.control || this.kinds[id] === KIND.unknown;
  }

  /** The token that ordinary text `text` may become, never a control, unknown or byte token. */
  textId(text: string): number | undefined {
    return this.textIds.get(text);
  }

  /** The same for UTF-16 units [start, end). */
  textIdOfUnits(units: Uint16Array, start: number, end: number): number | undefined {
    return this.textIds.getUnits(units, start, end, end, end);
  }

  /**
   * The same for units [start, gap) followed by [resume, end).
   * @param guess the id that it probably has
   */
  textIdOfJoined(
    units: Uint16Array,
    start: number,
    gap: number,
    resume: number,
    end: number,
    guess: number,
  ): number | undefined {
    const isRight = this.isText(guess) && this.textIds.isSurely(guess, units, start, gap, resume, end);
    return isRight ? guess : this.textIds.getUnits(units, start, gap, resume, end);
  }

  /** The token of any kind that the vocabulary writes as `text`. */
  anyId(text: string): number | undefined {
    return this.textIds.get(text) ?? this.otherIds.get(text);
  }

  /** What bytes without a token become: the unknown token, unless it doubles as a control token. */
  get textUnkId(): number | undefined {
    return this.unkId !== undefined && this.kinds[this.unkId] !== KIND.control ? this.unkId : undefined;
  }

  /** The ids of the tokens of one kind, ascending. */
  idsOfKind(kind: TokenKind): number[] {
    const wanted = TOKEN_KINDS.indexOf(kind) + 1;
    const ids: number[] = [];
    for (let id = 0; id < this.kinds.length; id++) if (this.kinds[id] === wanted) ids.push(id);
    return ids;
  }

  /** @throws MilletError INVALID_ARGUMENT */
  assertId(id: number): void {
    if (!Number.isInteger(id) || id < 0 || id >= this.size) {
      throw new MilletError(
        "INVALID_ARGUMENT",
        `${id} is not a token id of this vocabulary; ids run from 0 to ${this.size - 1}.`,
      );
    }
  }

  private checkedId(what: string, id: number | undefined): number | undefined {
    if (id === undefined || (Number.isInteger(id) && id >= 0 && id < this.size)) return id;
    throw badVocabulary(`The ${what} token has id ${id}, but the vocabulary has ${this.size} tokens.`);
  }

  /** Tokens that frame a conversation are control tokens even where a file calls them something else. */
  private promoteControlTokens(ends: readonly number[]): void {
    for (const id of [this.bosId, this.eosId, this.eotId, this.eomId, this.sepId, ...ends]) {
      if (id !== undefined) this.kinds[id] = KIND.control;
    }
    const names = new Set([...WELL_KNOWN_ENDS, ...WELL_KNOWN_STARTS]);
    const firsts = new Set([...names].map((name) => name.charCodeAt(0))); // most tokens begin with none of them
    const { units, starts } = this.texts;
    for (let id = 0; id < starts.length - 1; id++) {
      if (firsts.has(units[starts[id]!]!) && names.has(this.text(id))) this.kinds[id] = KIND.control;
    }
  }

  private findEnds(ends: readonly number[]): number[] {
    const ids = new Set<number>(ends);
    for (const id of [this.eosId, this.eotId, this.eomId]) if (id !== undefined) ids.add(id);
    // In the harmony format <|end|> closes a message, and the answer goes on.
    const harmony = this.otherIds.has("<|return|>") && this.otherIds.has("<|call|>");
    for (const name of WELL_KNOWN_ENDS) {
      const id = this.otherIds.get(name);
      if (id !== undefined && !(harmony && name === "<|end|>")) ids.add(id);
    }
    return [...ids].sort((a, b) => a - b);
  }
}

function checkedKinds(size: number, tokenKinds: ArrayLike<number> | undefined): Uint8Array {
  const kinds = new Uint8Array(size).fill(KIND.normal);
  if (tokenKinds === undefined) return kinds;
  if (tokenKinds.length !== size) {
    throw badVocabulary(`The vocabulary has ${size} tokens but ${tokenKinds.length} token types.`);
  }
  for (let id = 0; id < kinds.length; id++) {
    const kind = tokenKinds[id]!;
    // 0 is "undefined" in SentencePiece's numbering.
    if (!Number.isInteger(kind) || kind < 0 || kind > TOKEN_KINDS.length) {
      throw badVocabulary(`Token ${id} has the type ${kind}; types are 1 to ${TOKEN_KINDS.length}.`);
    }
    kinds[id] = kind === 0 ? KIND.normal : kind;
  }
  return kinds;
}
