/** Ids of an answer to its text: without control tokens, save those that mark tool calls. */
import type { StreamDecoder, Tokenizer } from "../tokenizer/index.js";

/** @param markers texts that stay where the vocabulary has them as control tokens */
export function createAnswerDecoder(tokenizer: Tokenizer, markers: readonly string[]): StreamDecoder {
  const kept = new Set(markers.map((marker) => tokenizer.tokenId(marker)));
  if (![...kept].some((id) => id !== undefined && tokenizer.tokenKind(id) === "control")) {
    return tokenizer.createDecoder({ skipSpecial: true, atStart: false });
  }
  const decoder = tokenizer.createDecoder({ atStart: false });
  const isSkipped = (id: number) => !kept.has(id) && ["control", "unknown"].includes(tokenizer.tokenKind(id));
  return { push: (id) => (isSkipped(id) ? "" : decoder.push(id)), end: () => decoder.end() };
}
