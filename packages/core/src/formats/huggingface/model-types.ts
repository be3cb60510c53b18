/**
 * The one table of model types: what a config.json's `model_type` is to GGUF: the architecture, names of tensors, further
 * keys, and how values differ. Sources: the classes in transformers, and the keys of GGUF (the Python package gguf).
 */
import type { JsonObject } from "../json.js";
import { type Config, configError } from "./config.js";
import { NAMES, type NameTable } from "./names.js";
import { ropeParameters } from "./rope.js";

/** How values differ from what GGUF holds. */
export type ValueRule = "plus-one" | "transposed" | "without-padding-rows";

export interface ModelType {
  /** `general.architecture`, and the first part of the keys. */
  readonly architecture: string;
  readonly names: NameTable;
  /** What `hidden_act` (or its other names) must be: architectures have one activation each. Default: silu. */
  readonly activations?: readonly string[];
  /** Default: positions by RoPE. */
  readonly learnedPositions?: boolean;
  /** Of keys that config.json may leave out. */
  readonly defaults?: JsonObject;
  /** Keys besides those that all have, without the architecture. */
  keys?(config: Config): Readonly<Record<string, unknown>>;
  /** @param name GGUF's */
  rule?(name: string): ValueRule | undefined;
}

/** Which layers see a window only, by `layer_types`; undefined if none or all do. */
function windowed(config: Config): readonly boolean[] | undefined {
  const types = config.list("layer_types", "string")?.map((type) => type === "sliding_attention");
  return types && new Set(types).size === 2 ? types : undefined;
}

/** The window of models in which it may be switched off. */
function window(config: Config): Readonly<Record<string, unknown>> {
  const all = config.list("layer_types", "string")?.every((type) => type !== "sliding_attention");
  if (all || !config.boolean("use_sliding_window", true)) return {};
  const layers = windowed(config) ?? laterLayers(config);
  return {
    "attention.sliding_window": config.get("sliding_window"),
    ...(layers && { "attention.sliding_window_pattern": layers }),
  };
}

/** Before `layer_types`: layers from `max_window_layers` on have the window. */
function laterLayers(config: Config): readonly boolean[] | undefined {
  const first = config.optionalNumber("max_window_layers");
  if (first === undefined || first <= 0) return undefined;
  return Array.from({ length: layerCount(config) }, (_, layer) => layer >= first);
}

function layerCount(config: Config): number {
  const layers = config.number("num_hidden_layers");
  if (Number.isInteger(layers) && layers >= 1 && layers <= 1024) return layers;
  throw configError(`num_hidden_layers is ${layers}.`);
}

const GELU_TANH = ["gelu_pytorch_tanh", "gelu_new", "gelu_fast"];

const gemmaRule = (name: string): ValueRule | undefined =>
  name.endsWith("norm.weight") ? "plus-one" : undefined;

const gemmaScale = (config: Config) => ({
  "attention.scale": config.number("query_pre_attn_scalar") ** -0.5,
});

/** Layers in turns: every `period`-th sees all. */
function inTurns(config: Config, period: number): readonly boolean[] {
  return Array.from({ length: layerCount(config) }, (_, i) => (i + 1) % period !== 0);
}

const gemma3: ModelType = {
  architecture: "gemma3",
  names: NAMES.postNorms,
  activations: GELU_TANH,
  rule: gemmaRule,
  defaults: {
    hidden_activation: "gelu_pytorch_tanh",
    vocab_size: 262_208,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131_072,
    rms_norm_eps: 1e-6,
    rope_theta: 1e6,
    rope_local_base_freq: 10_000,
    sliding_window: 4096,
    sliding_window_pattern: 6,
    query_pre_attn_scalar: 256,
    tie_word_embeddings: true,
  },
  keys: (config) => ({
    ...gemmaScale(config),
    "attention.sliding_window": config.get("sliding_window"),
    "attention.sliding_window_pattern":
      windowed(config) ?? inTurns(config, config.number("_sliding_window_pattern", "sliding_window_pattern")),
    "rope.freq_base_swa": config.object("rope_parameters")
      ? ropeParameters(config, "sliding_attention").number("rope_theta")
      : config.number("rope_local_base_freq"),
    attn_logit_softcapping: config.get("attn_logit_softcapping"),
    final_logit_softcapping: config.get("final_logit_softcapping"),
  }),
};

const bert: ModelType = {
  architecture: "bert",
  names: NAMES.bert,
  activations: ["gelu"],
  learnedPositions: true,
  keys: (config) => ({
    "attention.causal": false,
    token_type_count: config.get("type_vocab_size"),
  }),
};

/** Positions are counted from behind the padding token's. */
export const PADDING_POSITIONS = 2;

const roberta: ModelType = {
  ...bert,
  rule: (name) => (name === "position_embd.weight" ? "without-padding-rows" : undefined),
  keys: (config) => ({
    ...bert.keys!(config),
    context_length: config.number("max_position_embeddings") - PADDING_POSITIONS,
  }),
};

export const MODEL_TYPES: Readonly<Record<string, ModelType>> = {
  llama: { architecture: "llama", names: NAMES.llama },
  mistral: { architecture: "llama", names: NAMES.llama, keys: window },
  qwen2: {
    architecture: "qwen2",
    names: NAMES.llama,
    defaults: { use_sliding_window: false },
    keys: window,
  },
  qwen3: {
    architecture: "qwen3",
    names: NAMES.llama,
    defaults: { use_sliding_window: false, head_dim: 128 },
    keys: window,
  },
  mimo: {
    architecture: "mimo",
    names: NAMES.mimo,
    defaults: { use_sliding_window: false },
    keys: (config) => ({ ...window(config), nextn_predict_layers: config.get("num_nextn_predict_layers") }),
  },
  gemma2: {
    architecture: "gemma2",
    names: NAMES.postNorms,
    activations: GELU_TANH,
    rule: gemmaRule,
    defaults: {
      hidden_activation: "gelu_pytorch_tanh",
      head_dim: 256,
      query_pre_attn_scalar: 256,
      tie_word_embeddings: true,
    },
    keys: (config) => ({
      ...gemmaScale(config),
      "attention.sliding_window": config.get("sliding_window"),
      "attention.sliding_window_pattern": windowed(config) ?? inTurns(config, 2),
      attn_logit_softcapping: config.get("attn_logit_softcapping"),
      final_logit_softcapping: config.get("final_logit_softcapping"),
    }),
  },
  gemma3,
  gemma3_text: gemma3,
  phi3: { architecture: "phi3", names: NAMES.llama, keys: window },
  smollm3: {
    architecture: "smollm3",
    names: NAMES.llama,
    defaults: { use_sliding_window: false, tie_word_embeddings: true },
    keys: (config) => ({
      ...window(config),
      "rope.layer_pattern": config.list("no_rope_layers", "number")?.map(Boolean),
    }),
  },
  olmo2: { architecture: "olmo2", names: NAMES.postNorms },
  granite: {
    architecture: "granite",
    names: NAMES.llama,
    keys: (config) => ({
      "attention.scale": config.get("attention_multiplier"),
      embedding_scale: config.get("embedding_multiplier"),
      residual_scale: config.get("residual_multiplier"),
      logit_scale: config.get("logits_scaling"),
    }),
  },
  stablelm: {
    architecture: "stablelm",
    names: NAMES.llama,
    defaults: { partial_rotary_factor: 0.25 },
    keys: (config) => ({ use_parallel_residual: config.boolean("use_parallel_residual", false) }),
  },
  gpt2: {
    architecture: "gpt2",
    names: NAMES.gpt2,
    activations: GELU_TANH,
    learnedPositions: true,
    defaults: { tie_word_embeddings: true },
    rule: (name) => (/(attn_qkv|attn_output|ffn_up|ffn_down)\.weight$/.test(name) ? "transposed" : undefined),
  },
  bert,
  roberta,
  "xlm-roberta": roberta,
};
