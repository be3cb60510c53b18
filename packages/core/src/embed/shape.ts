/** Sizes of the steps that embed texts, and which texts enter a step together. Pure. */

/** A graph for steps of up to so many rows, of so many texts. */
export interface EmbedStep {
  /** Of the graph. */
  readonly name: string;
  readonly tokens: number;
  readonly sequences: number;
}

export interface EmbedShape {
  /** The smallest first. */
  readonly steps: readonly EmbedStep[];
  /** Columns of the block table. */
  readonly blocksPerSequence: number;
  /** Most blocks of the cache that texts hold at a time: enough for one of any length. */
  readonly blocks: number;
  /** Whether a text must be in one step, because its tokens see those after them. */
  readonly wholeTexts: boolean;
}

/** Rows above which texts are not put together any more: larger steps are no faster per row and take more memory. */
const ENOUGH_ROWS = 512;

/** What is known of a text in work, or about to be. */
export interface TextSize {
  /** Tokens in all, at least 1. */
  readonly length: number;
  /** How many of them are computed. */
  readonly done: number;
}

export interface TextPart<Text> {
  readonly text: Text;
  readonly tokens: number;
}

/** How many of the waiting texts join those in work, in order. */
export function admitted(
  working: readonly TextSize[],
  waiting: readonly TextSize[],
  shape: EmbedShape,
  blockRows: number,
): number {
  const blocksOf = ({ length }: TextSize) => Math.ceil(length / blockRows);
  const { tokens: mostTokens, sequences } = shape.steps.at(-1)!;
  const mostRows = Math.min(mostTokens, ENOUGH_ROWS);
  let blocks = working.reduce((sum, text) => sum + blocksOf(text), 0);
  let rows = working.reduce((sum, { length, done }) => sum + length - done, 0);
  let count = 0;
  for (const text of waiting) {
    const isFirst = working.length + count === 0;
    blocks += blocksOf(text);
    rows += text.length;
    const fits = blocks <= shape.blocks && working.length + count < sequences;
    // Where texts may be split, one that begins in this step and ends in the next fills the step up.
    const hasRows = shape.wholeTexts ? rows <= mostRows : rows - text.length < mostRows;
    if (!isFirst && !(fits && hasRows)) break;
    count++;
  }
  return count;
}

/** The rows of the next step, and the graph for it. */
export function planEmbedStep<Text extends TextSize>(
  working: readonly Text[],
  { steps }: EmbedShape,
): { readonly step: EmbedStep; readonly parts: readonly TextPart<Text>[] } {
  let left = steps.at(-1)!.tokens;
  const parts: TextPart<Text>[] = [];
  for (const text of working) {
    const tokens = Math.min(text.length - text.done, left);
    if (tokens > 0) parts.push({ text, tokens });
    left -= tokens;
  }
  const rows = parts.reduce((sum, { tokens }) => sum + tokens, 0);
  const step = steps.find(({ tokens, sequences }) => rows <= tokens && parts.length <= sequences);
  return { step: step ?? steps.at(-1)!, parts };
}
