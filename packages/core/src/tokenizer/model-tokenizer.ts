/**
 * The tokenizer of a model's metadata, whatever container they come from: GGUF's vocabulary, or the text of
 * tokenizer.json. It imports what this one needs: a page that runs GGUF models never fetches the reader of tokenizer.json.
 */
import { corePart, MilletError } from "../errors.js";
import type { MetadataMap } from "./describe-gguf.js";
import { buildTokenizer } from "./kinds/build.js";
import type { CreateKind } from "./kinds/kind.js";
import type { Tokenizer, TokenizerDescription } from "./types.js";

const PREFIX = "tokenizer.huggingface.";

/**
 * Keys beside GGUF's `tokenizer.ggml.*`: `tokenizer.huggingface.json`, `.config` and `.generation_config`, the texts of
 * tokenizer.json, tokenizer_config.json and generation_config.json.
 * @throws MilletError TOKENIZER_MISSING, TOKENIZER_BAD_VOCABULARY, TOKENIZER_UNSUPPORTED, SCRIPT_UNAVAILABLE
 */
export async function modelTokenizer(metadata: MetadataMap): Promise<Tokenizer> {
  const text = (key: string) => {
    const value = metadata.get(PREFIX + key);
    return typeof value === "string" ? value : undefined;
  };
  const tokenizerJson = text("json");
  const isGguf = metadata.get("tokenizer.ggml.model") !== undefined;
  if (!isGguf && tokenizerJson !== undefined) {
    const { huggingFaceTokenizer } = await corePart(import("./huggingface/index.js"));
    return huggingFaceTokenizer({
      tokenizerJson,
      tokenizerConfig: text("config"),
      generationConfig: text("generation_config"),
    });
  }
  if (!isGguf && text("generation_config") !== undefined) throw missing();
  const { readGgufTokenizer, bpe } = await corePart(import("./kinds/common.js"));
  const description = readGgufTokenizer(metadata);
  const create = description.kind === "bpe" ? bpe : await rareKind(description.kind);
  return buildTokenizer(description, create);
}

async function rareKind(kind: Exclude<TokenizerDescription["kind"], "bpe">): Promise<CreateKind> {
  switch (kind) {
    case "spm":
      return (await corePart(import("./kinds/spm.js"))).spm;
    case "unigram":
      return (await corePart(import("./kinds/unigram.js"))).unigram;
    case "wordpiece":
      return (await corePart(import("./kinds/wordpiece.js"))).wordpiece;
    default:
      return kind satisfies never;
  }
}

function missing(): MilletError {
  return new MilletError(
    "TOKENIZER_MISSING",
    "The model's folder has no tokenizer.json. Get it as well; where the model only has a tokenizer.model, the Python " +
      "package transformers writes it: AutoTokenizer.from_pretrained(folder).save_pretrained(folder).",
  );
}
