/**
 * The Llama architecture (Touvron et al. 2023, arXiv 2302.13971): RMSNorm, RoPE, grouped-query attention, SwiGLU.
 * Reads GGUF files of architecture "llama", whose q and k rows are permuted for interleaved RoPE.
 */
import { GraphBuilder } from "../graph/builder.js";
import type { Graph, Value } from "../graph/graph.js";
import {
  type AttentionAttrs,
  add,
  attention,
  embedding,
  gatherRows,
  linear,
  type RopeAttrs,
  rmsNorm,
  swiglu,
} from "../ops/index.js";
import type { WeightSources } from "../tensor/weights.js";
import { ConfigReader } from "./config.js";
import type { Architecture, ModelDefinition, ModelFiles, StepShape } from "./definition.js";
import { ropeAttrs } from "./rope.js";
import { samplingOutputs } from "./sampling-outputs.js";
import { declareStepInputs, type StepInputs } from "./step-inputs.js";
import { countParameters, matrixWeight, vectorWeight } from "./weights.js";

interface LlamaConfig {
  readonly layers: number;
  readonly hidden: number;
  readonly feedForward: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly valueDim: number;
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly epsilon: number;
  readonly window: number | undefined;
  readonly rope: RopeAttrs;
}

export const llama: Architecture = {
  name: "llama",
  async define(files: ModelFiles): Promise<ModelDefinition> {
    const config = await readConfig(new ConfigReader("llama", files.metadata), files.weights);
    const { layers, kvHeads, headDim, valueDim } = config;
    const define = (shape: StepShape) => new LlamaStep(config, files.weights, shape).build();
    // Building one graph now reports missing and misshapen tensors before any weight is read.
    define({ name: "check", tokens: 1, logits: 1, sequences: 1, blocksPerSequence: 1 });
    return {
      architecture: "llama",
      vocabularySize: config.vocabularySize,
      hidden: config.hidden,
      contextLength: config.contextLength,
      kv: { layers, kvHeads, headDim, valueDim },
      parameterCount: countParameters(files.weights),
      step: define,
    };
  },
};

async function readConfig(config: ConfigReader, weights: WeightSources): Promise<LlamaConfig> {
  const hidden = config.integer("embedding_length");
  const heads = config.integer("attention.head_count");
  const headDim = config.integer("attention.key_length", { fallback: Math.floor(hidden / heads) });
  if (config.integer("expert_count", { fallback: 0, min: 0 }) > 0) {
    throw config.unsupported("expert_count", "mixture of experts", "dense models");
  }
  const vocabulary = weights.get("token_embd.weight")?.spec.shape[0] ?? 1;
  return {
    layers: config.integer("block_count", { max: 1024 }),
    hidden,
    feedForward: config.integer("feed_forward_length"),
    heads,
    kvHeads: config.integer("attention.head_count_kv", { fallback: heads, max: heads }),
    headDim,
    valueDim: config.integer("attention.value_length", { fallback: headDim }),
    vocabularySize: config.integer("vocab_size", { fallback: vocabulary }),
    contextLength: config.integer("context_length", { fallback: 2048 }),
    epsilon: config.number("attention.layer_norm_rms_epsilon", { min: 0, max: 1 }),
    window: config.has("attention.sliding_window") ? config.integer("attention.sliding_window") : undefined,
    rope: await ropeAttrs(config, weights, headDim, true),
  };
}

/** Builds the graph of one step. */
class LlamaStep {
  readonly #config: LlamaConfig;
  readonly #weights: WeightSources;
  readonly #graph: GraphBuilder;
  readonly #inputs: StepInputs;
  readonly #sampling: StepShape["sampling"];

  constructor(config: LlamaConfig, weights: WeightSources, shape: StepShape) {
    this.#config = config;
    this.#weights = weights;
    this.#graph = new GraphBuilder(shape.name);
    this.#inputs = declareStepInputs(this.#graph, shape);
    this.#sampling = shape.sampling;
  }

  build(): Graph {
    const { layers, hidden, vocabularySize } = this.#config;
    const table = this.#matrix("token_embd.weight", vocabularySize, hidden);
    let x = this.#graph.emitOne(embedding, [table, this.#inputs.tokens], { scale: 1 }); // [T, hidden]
    for (let layer = 0; layer < layers; layer++) {
      x = this.#add(x, this.#attention(x, layer));
      x = this.#add(x, this.#feedForward(x, layer));
    }
    const wanted = this.#graph.emitOne(gatherRows, [x, this.#inputs.logitRows], {}); // [R, hidden]
    const head = this.#weights.has("output.weight")
      ? this.#matrix("output.weight", vocabularySize, hidden)
      : table;
    const logits = this.#graph.emitOne(linear, [this.#norm(wanted, "output_norm.weight"), head], {});
    return this.#graph.finish({ logits, ...samplingOutputs(this.#graph, this.#sampling, logits) }); // [R, vocabulary]
  }

  #attention(x: Value, layer: number): Value {
    const { hidden, heads, kvHeads, headDim, valueDim, window, rope } = this.#config;
    const block = `blk.${layer}.attn_`;
    const h = this.#norm(x, `${block}norm.weight`);
    const q = this.#linear(h, `${block}q`, heads * headDim, hidden);
    const k = this.#linear(h, `${block}k`, kvHeads * headDim, hidden);
    const v = this.#linear(h, `${block}v`, kvHeads * valueDim, hidden);
    const { positions, sequences, writeRows, blockTable, lengths } = this.#inputs;
    const attrs: AttentionAttrs = {
      layer,
      heads,
      kvHeads,
      headDim,
      valueDim,
      scale: 1 / Math.sqrt(headDim),
      causal: true,
      ...(window !== undefined && { window }),
      rope,
    };
    const operands = [q, k, v, positions, sequences, writeRows, blockTable, lengths];
    const mixed = this.#graph.emitOne(attention, operands, attrs); // [T, heads * valueDim]
    return this.#linear(mixed, `${block}output`, hidden, heads * valueDim);
  }

  #feedForward(x: Value, layer: number): Value {
    const { hidden, feedForward } = this.#config;
    const block = `blk.${layer}.ffn_`;
    const h = this.#norm(x, `${block}norm.weight`);
    const gate = this.#linear(h, `${block}gate`, feedForward, hidden);
    const up = this.#linear(h, `${block}up`, feedForward, hidden);
    const activated = this.#graph.emitOne(swiglu, [gate, up], {}); // [T, feedForward]
    return this.#linear(activated, `${block}down`, hidden, feedForward);
  }

  /** A dense layer, with a bias where the file has one. */
  #linear(x: Value, name: string, rows: number, columns: number): Value {
    const weight = this.#matrix(`${name}.weight`, rows, columns);
    const bias = this.#weights.has(`${name}.bias`) ? [this.#vector(`${name}.bias`, rows)] : [];
    return this.#graph.emitOne(linear, [x, weight, ...bias], {});
  }

  #norm(x: Value, name: string): Value {
    const { hidden, epsilon } = this.#config;
    return this.#graph.emitOne(rmsNorm, [x, this.#vector(name, hidden)], { epsilon });
  }

  #add(x: Value, y: Value): Value {
    return this.#graph.emitOne(add, [x, y], {});
  }

  #matrix(name: string, rows: number, columns: number): Value {
    return matrixWeight(this.#graph, this.#weights, name, rows, columns);
  }

  #vector(name: string, length: number): Value {
    return vectorWeight(this.#graph, this.#weights, name, length);
  }
}
