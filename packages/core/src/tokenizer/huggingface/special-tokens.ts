/** Which tokens begin and end texts and answers: tokenizer_config.json and generation_config.json, or the frame. */
import type { HuggingFaceTokenizerFiles } from "./files.js";
import { JsonFields } from "./json-fields.js";
import { type Frame, readTokenName } from "./post-processors.js";

export interface SpecialTokens {
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly padId: number | undefined;
  readonly endOfGenerationIds: readonly number[];
  /** Whether BOS and EOS are added, if the configuration says so. */
  readonly addBos: boolean | undefined;
  readonly addEos: boolean | undefined;
}

/** @throws MilletError TOKENIZER_BAD_VOCABULARY */
export function readSpecialTokens(
  files: Pick<HuggingFaceTokenizerFiles, "tokenizerConfig" | "generationConfig">,
  tokens: readonly string[],
  frame: Frame,
): SpecialTokens {
  const config = optional(files.tokenizerConfig, "tokenizer_config.json");
  const generation = optional(files.generationConfig, "generation_config.json");
  const named = (...names: string[]): number | undefined => {
    for (const name of names) {
      const text = readTokenName(config, name);
      const id = text === undefined ? -1 : tokens.indexOf(text);
      if (id >= 0) return id;
    }
    return undefined;
  };
  const ends = readIds(generation, "eos_token_id");
  const adds = (name: string) => (config?.get(name) === undefined ? undefined : config.boolean(name, false));
  return {
    bosId: named("bos_token", "cls_token") ?? frame.prefixIds[0],
    eosId: named("eos_token", "sep_token") ?? ends[0] ?? frame.suffixIds.at(-1),
    padId: named("pad_token"),
    endOfGenerationIds: ends,
    addBos: adds("add_bos_token"),
    addEos: adds("add_eos_token"),
  };
}

function optional(text: string | undefined, file: string): JsonFields | undefined {
  return text === undefined ? undefined : JsonFields.parse(text, file);
}

/** A token id or a list of them. */
function readIds(fields: JsonFields | undefined, name: string): number[] {
  const value = fields?.get(name);
  if (fields === undefined || value === undefined) return [];
  const ids: readonly unknown[] = Array.isArray(value) ? value : [value];
  return ids.map((id) => {
    if (typeof id !== "number" || !Number.isInteger(id))
      throw fields.fail(name, "a token id or a list of them");
    return id;
  });
}
