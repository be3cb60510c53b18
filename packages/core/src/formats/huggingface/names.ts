/** Names of tensors: Hugging Face's -> GGUF's, by table. What is in no table is unknown, and a model with it is refused. */

/** How the tensors of a family of models are called. Names stand without ".weight" and ".bias". */
export interface NameTable {
  /** Taken off the front where they stand, the first that fits. */
  readonly prefixes: readonly string[];
  readonly outside: Readonly<Record<string, string>>;
  /** What stands before a layer's number. */
  readonly layers: string;
  readonly inLayer: Readonly<Record<string, string>>;
  /** Of layers that predict further tokens (MTP), which follow the others in GGUF's numbering. */
  readonly further?: { readonly layers: string; readonly inLayer: Readonly<Record<string, string>> };
  /** Buffers and parts that a language model does not need. */
  readonly ignored: RegExp;
}

/**
 * GGUF's name of a tensor; null for one that is ignored, undefined for one that the table does not know.
 * @param layerCount of the layers before those in `further`
 */
export function ggufName(name: string, table: NameTable, layerCount: number): string | null | undefined {
  const own = withoutPrefix(name, table.prefixes);
  if (table.ignored.test(own)) return null;
  const [, base = own, ending = ""] = /^(.*)(\.(?:weight|bias))$/.exec(own) ?? [];
  if (Object.hasOwn(table.outside, base)) return table.outside[base] + ending;
  const layer = inLayer(base, table.layers, table.inLayer);
  if (layer) return `blk.${layer.index}.${layer.name}${ending}`;
  const further = table.further && inLayer(base, table.further.layers, table.further.inLayer);
  return further && `blk.${layerCount + further.index}.${further.name}${ending}`;
}

function withoutPrefix(name: string, prefixes: readonly string[]): string {
  const prefix = prefixes.find((start) => name.startsWith(start));
  return prefix === undefined ? name : name.slice(prefix.length);
}

function inLayer(base: string, layers: string, names: Readonly<Record<string, string>>) {
  if (!base.startsWith(layers)) return undefined;
  const [, index, rest] = /^(\d{1,4})\.(.+)$/.exec(base.slice(layers.length)) ?? [];
  if (rest === undefined || !Object.hasOwn(names, rest)) return undefined;
  return { index: Number(index), name: names[rest]! };
}

const LLAMA_LAYER = {
  input_layernorm: "attn_norm",
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.qkv_proj": "attn_qkv",
  "self_attn.o_proj": "attn_output",
  "self_attn.q_norm": "attn_q_norm",
  "self_attn.k_norm": "attn_k_norm",
  post_attention_layernorm: "ffn_norm",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.gate_up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
} as const;

const LLAMA: NameTable = {
  prefixes: ["model.language_model.", "language_model.model.", "language_model.", "model."],
  outside: { embed_tokens: "token_embd", norm: "output_norm", lm_head: "output" },
  layers: "layers.",
  inLayer: LLAMA_LAYER,
  ignored: /rotary_emb\.inv_freq$|^(vision_tower|multi_modal_projector)\./,
};

export const NAMES = {
  llama: LLAMA,
  /** Norms after attention and feed-forward: Gemma 2 and 3; OLMo 2, which has no others. */
  postNorms: {
    ...LLAMA,
    inLayer: {
      ...LLAMA_LAYER,
      post_attention_layernorm: "post_attention_norm",
      pre_feedforward_layernorm: "ffn_norm",
      post_feedforward_layernorm: "post_ffw_norm",
    },
  },
  mimo: {
    ...LLAMA,
    further: {
      layers: "mtp_layers.",
      inLayer: {
        ...LLAMA_LAYER,
        token_layernorm: "nextn.enorm",
        hidden_layernorm: "nextn.hnorm",
        input_proj: "nextn.eh_proj",
        final_layernorm: "nextn.shared_head_norm",
      },
    },
  },
  gpt2: {
    prefixes: ["transformer."],
    outside: { wte: "token_embd", wpe: "position_embd", ln_f: "output_norm", lm_head: "output" },
    layers: "h.",
    inLayer: {
      ln_1: "attn_norm",
      "attn.c_attn": "attn_qkv",
      "attn.c_proj": "attn_output",
      ln_2: "ffn_norm",
      "mlp.c_fc": "ffn_up",
      "mlp.c_proj": "ffn_down",
    },
    ignored: /^h\.\d+\.attn\.(masked_)?bias$/,
  },
  bert: {
    prefixes: ["bert.", "roberta."],
    outside: {
      "embeddings.word_embeddings": "token_embd",
      "embeddings.token_type_embeddings": "token_types",
      "embeddings.position_embeddings": "position_embd",
      "embeddings.LayerNorm": "token_embd_norm",
    },
    layers: "encoder.layer.",
    inLayer: {
      "attention.self.query": "attn_q",
      "attention.self.key": "attn_k",
      "attention.self.value": "attn_v",
      "attention.output.dense": "attn_output",
      "attention.output.LayerNorm": "attn_output_norm",
      "intermediate.dense": "ffn_up",
      "output.dense": "ffn_down",
      "output.LayerNorm": "layer_output_norm",
    },
    ignored: /position_ids$|^(pooler|cls|lm_head)\./,
  },
} as const satisfies Record<string, NameTable>;
