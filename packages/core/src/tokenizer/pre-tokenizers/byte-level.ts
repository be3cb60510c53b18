/** GPT-2's pre-tokenizer in its three steps: a space in front, its expression, bytes written as symbols. */
import { bytesToSymbols } from "../byte-symbols.js";
import type { Normalizer, PreTokenizer } from "../parts.js";
import { GPT2 } from "../word-patterns.js";
import { regExpPattern, split } from "./split.js";

const utf8 = new TextEncoder();

/** A word begins with a space. */
export const spacePrefix: PreTokenizer = (text, isFirst, emit) =>
  emit(text.startsWith(" ") ? text : ` ${text}`, isFirst);

export function gpt2Words(): PreTokenizer {
  return split(regExpPattern(new RegExp(GPT2, "gu")), "Isolated");
}

/** Each byte becomes its symbol. */
export const byteSymbolsOf: Normalizer = (text) => bytesToSymbols(utf8.encode(text));

/** The same for words. Not needed before a model that reads bytes. */
export const byteSymbolWords: PreTokenizer = (text, isFirst, emit) => emit(byteSymbolsOf(text), isFirst);
