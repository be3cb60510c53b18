/** Sizes of the steps that embed texts: a decoder's, chunk by chunk, and an encoder's, which take whole texts. */
import type { GraphMakers } from "../backend/serve.js";
import type { EmbedShape, EmbedStep } from "../embed/shape.js";
import { KV_BLOCK_ROWS } from "../graph/kv.js";
import type { ModelDefinition } from "../models/index.js";

/** Rows of an encoder's steps besides one for the longest text: a query, a paragraph, several of them. */
const ENCODER_ROWS = [32, 128, 512];
/** One text per so many rows of a step: most are longer. */
const ROWS_PER_TEXT = 8;
const MOST_TEXTS = 32;
const MOST_DECODER_TEXTS = 16;

export interface EmbedPlan {
  readonly shape: EmbedShape;
  readonly graphs: GraphMakers;
}

/** @param contextLength most tokens of a text */
export function encoderPlan(definition: ModelDefinition, contextLength: number): EmbedPlan {
  const packedRows = Math.max(...ENCODER_ROWS);
  const rows = contextLength > packedRows ? [...ENCODER_ROWS, contextLength] : ENCODER_ROWS;
  const steps = rows.map((tokens) => ({
    name: `embed${tokens}`,
    tokens,
    sequences: Math.min(MOST_TEXTS, tokens / ROWS_PER_TEXT),
  }));
  const blocksPerSequence = Math.ceil(contextLength / KV_BLOCK_ROWS);
  // Every text begins a block: as many are partly filled as there are texts.
  const blocks = Math.max(blocksPerSequence, MOST_TEXTS + packedRows / KV_BLOCK_ROWS);
  return embedPlan(definition, { steps, blocksPerSequence, blocks, wholeTexts: true }, contextLength);
}

/** @param tokens rows of a prompt's chunk */
export function decoderEmbedPlan(
  definition: ModelDefinition,
  contextLength: number,
  tokens: number,
): EmbedPlan {
  const sequences = Math.max(1, Math.min(MOST_DECODER_TEXTS, Math.floor(tokens / ROWS_PER_TEXT)));
  const blocksPerSequence = Math.ceil(contextLength / KV_BLOCK_ROWS);
  const steps = [{ name: "embed", tokens, sequences }];
  const shape = { steps, blocksPerSequence, blocks: blocksPerSequence, wholeTexts: false };
  return embedPlan(definition, shape, contextLength);
}

function embedPlan(definition: ModelDefinition, shape: EmbedShape, contextTokens: number): EmbedPlan {
  const graphOf =
    ({ name, tokens, sequences }: EmbedStep) =>
    () =>
      definition.step({
        name,
        tokens,
        logits: tokens,
        sequences,
        blocksPerSequence: shape.blocksPerSequence,
        outputs: ["hidden"],
        contextTokens,
      });
  return { shape, graphs: Object.fromEntries(shape.steps.map((step) => [step.name, graphOf(step)])) };
}
