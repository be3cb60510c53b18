/** SentencePiece's rules for spaces, which become the symbol U+2581. */
import type { Normalizer } from "../parts.js";

const SYMBOL = "\u2581";

export interface SpaceOptions {
  /** A symbol stands before the first word. */
  readonly addsPrefix: boolean;
  /** One symbol before each word; spaces at the ends go. */
  readonly merges: boolean;
}

export function sentencePieceSpaces({ addsPrefix, merges }: SpaceOptions): Normalizer {
  if (merges) {
    return (text) => {
      const single = ` ${text}`.replace(/ +/g, SYMBOL);
      return single.endsWith(SYMBOL) && text.endsWith(" ") ? single.slice(0, -1) : single;
    };
  }
  return (text) => {
    let start = 0;
    while (text[start] === " ") start++;
    const prefixed =
      addsPrefix && start < text.length ? `${text.slice(0, start)} ${text.slice(start)}` : text;
    return prefixed.replaceAll(" ", SYMBOL);
  };
}
