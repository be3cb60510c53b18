/**
 * Metadata of a Hugging Face folder by GGUF's keys: sizes from config.json, sampling from generation_config.json, texts of
 * tokenizer and template. Keys of our own, beside GGUF's `tokenizer.huggingface.json`: `tokenizer.huggingface.config`, the
 * text of tokenizer_config.json, and `tokenizer.huggingface.generation_config`, a JSON object of `bos_token_id`,
 * `pad_token_id` and the list `eos_token_id`, from generation_config.json or else config.json.
 */
import { isObject, type JsonObject, type JsonRule, parseObject } from "../json.js";
import { Config, configError, shown } from "./config.js";
import type { ModelType } from "./model-types.js";
import type { Rope } from "./rope.js";

/** Texts of a folder beside config.json, where they are there. */
export interface FolderTexts {
  readonly generationConfig?: JsonObject | undefined;
  readonly tokenizer?: string | undefined;
  readonly tokenizerConfig?: string | undefined;
  /** chat_template.jinja, which goes before a template in tokenizer_config.json. */
  readonly chatTemplate?: string | undefined;
}

export type Metadata = ReadonlyMap<string, unknown>;

/** @throws MilletError MODEL_BAD_CONFIG */
export function architectureMetadata(type: ModelType, config: Config, rope: Rope | undefined): Metadata {
  checkActivation(type, config);
  const hidden = config.number("hidden_size", "n_embd", "dim");
  const further = config.optionalNumber("num_nextn_predict_layers") ?? 0;
  const headDim = config.optionalNumber("head_dim");
  const keys = {
    block_count: config.number("num_hidden_layers", "n_layer") + further,
    context_length: config.get("max_position_embeddings", "n_positions", "n_ctx"),
    embedding_length: hidden,
    feed_forward_length: config.get("intermediate_size", "n_inner") ?? 4 * hidden,
    "attention.head_count": config.get("num_attention_heads", "n_head"),
    "attention.head_count_kv": config.get("num_key_value_heads"),
    "attention.key_length": headDim,
    "attention.value_length": headDim,
    "attention.layer_norm_rms_epsilon": config.get("rms_norm_eps"),
    "attention.layer_norm_epsilon": config.get("layer_norm_eps", "layer_norm_epsilon"),
    vocab_size: config.get("vocab_size"),
    ...rope?.keys,
    ...type.keys?.(config),
  };
  const entries = Object.entries(keys).filter(([, value]) => value != null);
  return new Map<string, unknown>([
    ["general.architecture", type.architecture],
    ...entries.map(([key, value]) => [`${type.architecture}.${key}`, value] as const),
  ]);
}

function checkActivation({ activations = ["silu"] }: ModelType, config: Config): void {
  const activation = config.get("hidden_activation", "hidden_act", "activation_function") ?? activations[0];
  if (activations.some((name) => name === activation)) return;
  throw configError(
    `the activation ${shown(activation)} is not supported here; supported: ${activations.join(", ")}.`,
    "Get another model.",
  );
}

/** @param config of the text part, then of the whole where models have several parts */
export function textMetadata(texts: FolderTexts, ...configs: readonly Config[]): Metadata {
  const generation = new Config(texts.generationConfig ?? {});
  const layers = [generation, ...configs];
  const ids = {
    bos_token_id: tokenIds(layers, "bos_token_id")[0],
    eos_token_id: tokenIds(layers, "eos_token_id"),
    pad_token_id: tokenIds(layers, "pad_token_id")[0],
  };
  const entries: [string, unknown][] = [
    ["tokenizer.huggingface.json", texts.tokenizer],
    ["tokenizer.huggingface.config", texts.tokenizerConfig],
    ["tokenizer.huggingface.generation_config", JSON.stringify(ids)],
    ...templates(texts),
    ...sampling(generation),
  ];
  return new Map(entries.filter(([, value]) => value !== undefined));
}

/** From the first that tells: one id or a list. */
function tokenIds(configs: readonly Config[], key: string): readonly number[] {
  const value = configs.map((config) => config.get(key)).find((given) => given !== undefined) ?? [];
  const ids: unknown[] = Array.isArray(value) ? value : [value];
  if (ids.length <= MAX_END_TOKENS && ids.every(isTokenId)) return ids;
  throw configError(`${key} is ${shown(value)} and should be a token id.`);
}

const MAX_END_TOKENS = 64;

function isTokenId(id: unknown): id is number {
  return Number.isSafeInteger(id) && Number(id) >= 0;
}

const TOKENIZER_CONFIG: JsonRule = {
  what: "tokenizer_config.json",
  code: "TOKENIZER_BAD_VOCABULARY",
  limit: Number.MAX_SAFE_INTEGER,
};

/** One template, or several by name of which "default" is for conversations without tools. */
function templates({ chatTemplate, tokenizerConfig }: FolderTexts): [string, unknown][] {
  if (chatTemplate !== undefined) return [["tokenizer.chat_template", chatTemplate]];
  if (tokenizerConfig === undefined) return [];
  const { chat_template: given } = parseObject(tokenizerConfig, TOKENIZER_CONFIG);
  if (typeof given === "string") return [["tokenizer.chat_template", given]];
  if (!Array.isArray(given)) return [];
  return given.filter(isObject).flatMap(({ name, template }): [string, unknown][] => {
    if (typeof name !== "string" || typeof template !== "string") return [];
    return [[name === "default" ? "tokenizer.chat_template" : `tokenizer.chat_template.${name}`, template]];
  });
}

/** What its makers recommend; transformers goes greedily unless `do_sample` is true. */
function sampling(config: Config): [string, unknown][] {
  const isGreedy = config.get("do_sample") === false;
  return [
    ["general.sampling.temp", isGreedy ? 0 : config.optionalNumber("temperature")],
    ["general.sampling.top_k", config.optionalNumber("top_k")],
    ["general.sampling.top_p", config.optionalNumber("top_p")],
    ["general.sampling.min_p", config.optionalNumber("min_p")],
    ["general.sampling.penalty_repeat", config.optionalNumber("repetition_penalty")],
  ];
}
