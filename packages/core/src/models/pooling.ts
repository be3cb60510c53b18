/** How the hidden states of a text's tokens become one vector, as files say it. */
import { ConfigReader } from "./config.js";
import type { ModelDefinition, ModelFiles } from "./definition.js";

/** The mean of all tokens', the first token's (which BERT calls [CLS]), or the last one's. */
export const POOLINGS = ["mean", "cls", "last"] as const;
export type Pooling = (typeof POOLINGS)[number];

/** GGUF's numbers; 0 says that the file prescribes none. */
const STORED: readonly (Pooling | undefined)[] = [undefined, ...POOLINGS];

/**
 * Key: pooling_type. Without it, or with 0: an encoder's is "mean"; a decoder's "last", the one token that saw all.
 * @throws MilletError MODEL_BAD_CONFIG for a model that gives no vectors, such as a reranker (4)
 */
export function readPooling(
  { metadata }: Pick<ModelFiles, "metadata">,
  { architecture, kind }: Pick<ModelDefinition, "architecture" | "kind">,
): Pooling {
  const config = new ConfigReader(architecture, metadata);
  const type = config.integer("pooling_type", { fallback: 0, min: 0 });
  if (type >= STORED.length) {
    throw config.unsupported("pooling_type", type, "0 (none), 1 (mean), 2 (first token), 3 (last token)");
  }
  return STORED[type] ?? (kind === "encoder" ? "mean" : "last");
}
