/** What to keep when a text outgrows the context. */
import { MilletError } from "../errors.js";

/**
 * The first `keepTokens` and the newer half of what else fits: room for a text to go on, and its beginning stays.
 * Unchanged if it fits. `keepTokens` counts as at most half the context.
 */
export function slideWindow(
  tokens: readonly number[],
  contextLength: number,
  keepTokens: number,
): readonly number[] {
  if (tokens.length <= contextLength) return tokens;
  const keep = Math.min(keepTokens, contextLength >> 1);
  const newest = Math.max(1, (contextLength - keep) >> 1);
  return [...tokens.slice(0, keep), ...tokens.slice(-newest)];
}

export function contextFullError(promptTokens: number, contextLength: number): MilletError {
  return new MilletError(
    "CONTEXT_FULL",
    `The prompt has ${promptTokens} tokens; the context holds ${contextLength}. Shorten it, load the model with a ` +
      'larger contextLength, or pass onContextFull: "slide" to drop its oldest part.',
    { details: { promptTokens, contextLength } },
  );
}
