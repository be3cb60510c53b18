/** What a caller wants embedded, checked and as tokens. */
import type { EmbedJob } from "../embed/embed.js";
import { MilletError } from "../errors.js";
import { POOLINGS } from "../models/index.js";
import type { Tokenizer } from "../tokenizer/index.js";
import type { EmbedOptions, ModelInfo } from "./types.js";

/** What a request depends on. */
export interface EmbeddingModel {
  readonly info: ModelInfo;
  readonly tokenizer: Tokenizer;
  readonly contextLength: number;
}

type Text = string | readonly number[];

/** @throws MilletError INVALID_ARGUMENT, CONTEXT_FULL naming the text */
export function embedRequest(model: EmbeddingModel, texts: readonly Text[], options: EmbedOptions): EmbedJob {
  if (!Array.isArray(texts)) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      "embed() takes a list of texts: embed([text]) for a single one.",
    );
  }
  const { pooling = model.info.embedding.pooling, normalize = true, onContextFull = "error" } = options;
  oneOf("pooling", pooling, POOLINGS);
  oneOf("normalize", normalize, [true, false]);
  oneOf("onContextFull", onContextFull, ["error", "truncate"]);
  const tokens = texts.map((text: Text, index) => {
    const ids = idsOf(model, text, index, options);
    if (ids.length <= model.contextLength) return ids;
    if (onContextFull === "truncate") return truncated(ids, model);
    throw tooLong(index, ids.length, model.contextLength);
  });
  return { texts: tokens, pooling, normalize, vectors: new Map() };
}

/** With the tokens around a text that its tokenizer adds; token ids are taken as they are. */
function idsOf(
  { tokenizer, info }: EmbeddingModel,
  text: Text,
  index: number,
  { parseSpecial }: EmbedOptions,
): readonly number[] {
  const isList = Array.isArray(text);
  if (typeof text !== "string" && !isList) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `Text ${index} to embed is neither a string nor a list of token ids.`,
    );
  }
  const ids = isList
    ? [...text]
    : tokenizer.encode(String(text), { ...(parseSpecial !== undefined && { parseSpecial }) });
  if (ids.length === 0) {
    throw new MilletError("INVALID_ARGUMENT", `Text ${index} to embed has no tokens.`);
  }
  const bad = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= info.vocabularySize);
  if (bad === undefined) return ids;
  const message = `Token id ${bad} of text ${index} is not in the model's vocabulary of ${info.vocabularySize}.`;
  throw new MilletError("INVALID_ARGUMENT", message);
}

/** The beginning of a text, with the control token at its end, such as BERT's [SEP], if it has one there. */
function truncated(ids: readonly number[], { tokenizer, contextLength }: EmbeddingModel): readonly number[] {
  const last = ids.at(-1)!;
  if (last >= tokenizer.vocabularySize || tokenizer.tokenKind(last) !== "control")
    return ids.slice(0, contextLength);
  return [...ids.slice(0, contextLength - 1), last];
}

function oneOf(name: string, value: unknown, choices: readonly unknown[]): void {
  if (choices.includes(value)) return;
  const shown = choices.map((choice) => JSON.stringify(choice)).join(", ");
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Option ${name} is one of ${shown}, not ${String(JSON.stringify(value))}.`,
  );
}

function tooLong(index: number, tokens: number, contextLength: number): MilletError {
  return new MilletError(
    "CONTEXT_FULL",
    `Text ${index} to embed has ${tokens} tokens and the model takes ${contextLength}. Split it, or pass ` +
      'onContextFull: "truncate" to embed its beginning.',
    { details: { index, tokens, contextLength } },
  );
}
