/** The tokenizer of a model's files: GGUF's vocabulary, or the tokenizer.json of a Hugging Face folder. */
import { MilletError } from "../errors.js";
import type { ModelFile } from "../formats/index.js";
import { ggufTokenizer, type Tokenizer } from "../tokenizer/index.js";

/** @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED */
export function modelTokenizer({ container, metadata }: ModelFile): Tokenizer {
  if (container === "gguf") return ggufTokenizer(metadata);
  const text = (key: string) => {
    const value = metadata.get(`tokenizer.huggingface.${key}`);
    return typeof value === "string" ? value : undefined;
  };
  const tokenizerJson = text("json");
  if (tokenizerJson === undefined) {
    throw new MilletError(
      "TOKENIZER_MISSING",
      "The model's folder has no tokenizer.json. Get it as well; where the model only has a tokenizer.model, the Python " +
        "package transformers writes it: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).",
    );
  }
  throw new MilletError(
    "TOKENIZER_UNSUPPORTED",
    "This version reads the weights of a Hugging Face folder, but not its tokenizer.json yet. Use a GGUF file of the model.",
  );
}
