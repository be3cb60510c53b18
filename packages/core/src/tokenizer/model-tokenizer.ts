/** The tokenizer of a model's metadata, whatever container they come from: GGUF's vocabulary, or the text of tokenizer.json. */
import { MilletError } from "../errors.js";
import { ggufTokenizer, type MetadataMap } from "./gguf.js";
import { huggingFaceTokenizer } from "./huggingface/index.js";
import type { Tokenizer } from "./types.js";

const PREFIX = "tokenizer.huggingface.";

/**
 * Keys beside GGUF's `tokenizer.ggml.*`: `tokenizer.huggingface.json`, `.config` and `.generation_config`, the texts of
 * tokenizer.json, tokenizer_config.json and generation_config.json.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED
 */
export function modelTokenizer(metadata: MetadataMap): Tokenizer {
  const text = (key: string) => {
    const value = metadata.get(PREFIX + key);
    return typeof value === "string" ? value : undefined;
  };
  const tokenizerJson = text("json");
  const isGguf = metadata.get("tokenizer.ggml.model") !== undefined;
  if (!isGguf && tokenizerJson !== undefined) {
    return huggingFaceTokenizer({
      tokenizerJson,
      tokenizerConfig: text("config"),
      generationConfig: text("generation_config"),
    });
  }
  if (!isGguf && text("generation_config") !== undefined) throw missing();
  return ggufTokenizer(metadata);
}

function missing(): MilletError {
  return new MilletError(
    "TOKENIZER_MISSING",
    "The model's folder has no tokenizer.json. Get it as well; where the model only has a tokenizer.model, the Python " +
      "package transformers writes it: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).",
  );
}
