/** SentencePiece's handling of spaces: they become a symbol, which starts words. */
import type { PreTokenizer } from "../parts.js";
import { split, stringPattern } from "./split.js";

export interface MetaspaceOptions {
  /** Stands for a space: U+2581. */
  readonly symbol: string;
  /** Which texts get a symbol in front, unless they begin with one. */
  readonly prepends: "always" | "first" | "never";
  /** Words begin at symbols; otherwise the text stays whole. */
  readonly splits: boolean;
}

export function metaspace({ symbol, prepends, splits }: MetaspaceOptions): PreTokenizer {
  const words = split(stringPattern(symbol), "MergedWithNext");
  return (text, isFirst, emit) => {
    const wants = prepends === "always" || (prepends === "first" && isFirst);
    const hasSpace = text.startsWith(" ") || text.startsWith(symbol);
    // Joined before the replacement, which makes one flat string: V8 copies a joined one at each look into it.
    const whole = (wants && !hasSpace ? ` ${text}` : text).replaceAll(" ", () => symbol);
    if (splits) words(whole, isFirst, emit);
    else emit(whole, isFirst);
  };
}
