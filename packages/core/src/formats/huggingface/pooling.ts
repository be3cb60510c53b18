/** How an encoder's folder pools hidden states: sentence-transformers keeps it in a folder of its own. */
import type { JsonObject, JsonRule } from "../json.js";
import { configError } from "./config.js";

export const POOLING: JsonRule = { what: "1_Pooling/config.json", code: "MODEL_BAD_CONFIG", limit: 1 << 16 };

/** GGUF's numbers of the ways that both have. */
const MODES: readonly (readonly [mode: string, type: number])[] = [
  ["pooling_mode_mean_tokens", 1],
  ["pooling_mode_cls_token", 2],
  ["pooling_mode_lasttoken", 3],
];

/** @throws MilletError MODEL_BAD_CONFIG for another way, or several at once */
export function poolingType(config: JsonObject): number {
  const chosen = Object.keys(config).filter((key) => key.startsWith("pooling_mode_") && config[key] === true);
  const found = MODES.find(([mode]) => mode === chosen[0]);
  if (chosen.length === 1 && found) return found[1];
  throw configError(
    `1_Pooling/config.json asks for ${chosen.slice(0, 8).join(", ") || "no pooling"}, which is not supported.`,
    "Supported is one of the mean, the first and the last token.",
  );
}
