/** The tokens of tokenizer.json: those of the model and those that were added, with their kinds and special ids. */
import type { AddedToken } from "../added-tokens.js";
import { byteOfToken } from "../models/byte-tokens.js";
import { TOKEN_KINDS, type TokenKind } from "../types.js";
import { badVocabulary } from "../vocabulary.js";
import type { JsonFields } from "./json-fields.js";

/** Tokens that the model knows, by id; undefined where an id has none. */
export type ModelTokens = (string | undefined)[];

export interface HuggingFaceTokens {
  readonly tokens: readonly string[];
  readonly tokenKinds: Uint8Array;
  readonly added: readonly (AddedToken & { readonly isNormalized: boolean; readonly isSpecial: boolean })[];
}

/** How far ids may run ahead of the number of tokens: room for gaps, none for absurd sizes. */
const GAP = 4096;

/** The tokens of an object from text to id. */
export function tokensOfMap(fields: JsonFields, name: string): ModelTokens {
  const entries = Object.entries(fields.object(name).value);
  const tokens: ModelTokens = new Array<string | undefined>(entries.length);
  const limit = entries.length * 2 + GAP;
  for (const [text, id] of entries) {
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= limit) {
      throw fields.fail(`${name}[${JSON.stringify(text.slice(0, 80))}]`, `a token id below ${limit}`);
    }
    if (tokens[id] !== undefined) {
      throw badVocabulary(`Token ${id} is ${JSON.stringify(tokens[id])} as well as ${JSON.stringify(text)}.`);
    }
    tokens[id] = text;
  }
  return tokens;
}

export interface KindOptions {
  readonly unkId: number | undefined;
  /** Tokens <0xXX> stand for bytes. */
  readonly hasByteTokens: boolean;
}

/** @throws MilletError TOKENIZER_BAD_VOCABULARY */
export function readTokens(
  root: JsonFields,
  model: ModelTokens,
  { unkId, hasByteTokens }: KindOptions,
): HuggingFaceTokens {
  const tokens: ModelTokens = [...model];
  const entries = root.objects("added_tokens");
  const known = new Map<string, number>();
  if (entries.length > 0) model.forEach((text, id) => text !== undefined && known.set(text, id));
  const added = entries.map((fields) => {
    const text = fields.string("content");
    // The library goes by the model's id where the two differ.
    const id = known.get(text) ?? fields.integer("id", undefined);
    if (id >= (model.length + entries.length) * 2 + GAP) {
      throw fields.fail("id", "in keeping with the number of tokens");
    }
    if (tokens[id] !== undefined && tokens[id] !== text) {
      throw badVocabulary(`Token ${id} is ${JSON.stringify(tokens[id])} as well as ${JSON.stringify(text)}.`);
    }
    tokens[id] = text;
    return {
      id,
      text,
      isSpecial: fields.boolean("special", false),
      isNormalized: fields.boolean("normalized", false),
      stripsLeft: fields.boolean("lstrip", false),
      stripsRight: fields.boolean("rstrip", false),
      isSingleWord: fields.boolean("single_word", false),
    };
  });
  const kinds = new Uint8Array(tokens.length).fill(numberOf("normal"));
  for (let id = 0; id < tokens.length; id++) {
    const text = tokens[id];
    if (text === undefined) kinds[id] = numberOf("unused");
    else if (hasByteTokens && byteOfToken(text) !== undefined) kinds[id] = numberOf("byte");
  }
  for (const { id, isSpecial } of added) kinds[id] = numberOf(isSpecial ? "control" : "user-defined");
  if (unkId !== undefined) kinds[unkId] = numberOf("unknown");
  return { tokens: Array.from(tokens, (text) => text ?? ""), tokenKinds: kinds, added };
}

function numberOf(kind: TokenKind): number {
  return TOKEN_KINDS.indexOf(kind) + 1;
}
