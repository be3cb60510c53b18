/**
 * Opens a Hugging Face folder, of which config.json is given and the others are found beside it, in this order:
 * generation_config.json, model.safetensors or model.safetensors.index.json with its shards, tokenizer.json,
 * tokenizer_config.json, chat_template.jinja; of encoders 1_Pooling/config.json before the tokenizer. All but the weights may be missing. Headers and texts are read, no weights.
 */
import { MilletError } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { DTYPES } from "../../tensor/dtype.js";
import { byteLength } from "../../tensor/tensor.js";
import type { WeightSource } from "../../tensor/weights.js";
import { type FileIdentity, identityOf } from "../identity.js";
import { decodeUtf8, isObject, type JsonObject, type JsonRule, parseObject, readWhole } from "../json.js";
import type { ModelFile, ModelTensor } from "../model-file.js";
import type { QuantizeChoice } from "../quantize.js";
import { openCheckpoint, openOptional } from "../safetensors/index.js";
import { Config, configError, shown } from "./config.js";
import { computedWeight } from "./encoded.js";
import { architectureMetadata, textMetadata } from "./metadata.js";
import { MODEL_TYPES, type ModelType } from "./model-types.js";
import { packedForm } from "./packed.js";
import { POOLING, poolingType } from "./pooling.js";
import { ropeOf } from "./rope.js";
import { releaseScratch } from "./scratch.js";
import { folderWeights } from "./weights.js";

const MIB = 2 ** 20;
const CONFIG: JsonRule = { what: "config.json", code: "MODEL_BAD_CONFIG", limit: MIB };
const GENERATION: JsonRule = { what: "generation_config.json", code: "MODEL_BAD_CONFIG", limit: MIB };
const TOKENIZER: JsonRule = { what: "tokenizer.json", code: "TOKENIZER_BAD_VOCABULARY", limit: 128 * MIB };
const TOKENIZER_CONFIG: JsonRule = { ...TOKENIZER, what: "tokenizer_config.json", limit: 8 * MIB };
const TEMPLATE: JsonRule = { what: "chat_template.jinja", code: "TEMPLATE_INVALID", limit: 4 * MIB };

export interface HuggingFaceOptions {
  readonly signal?: AbortSignal | undefined;
  /** What matrices in F32, F16 or BF16 become while they are read. Default "q8_0". */
  readonly quantize?: QuantizeChoice | undefined;
}

export interface HuggingFaceModelFile extends ModelFile {
  readonly container: "huggingface";
  /** `model_type` of config.json. */
  readonly modelType: string;
  readonly shardCount: number;
}

/**
 * The result owns `source`; if this throws, `source` is left open and what was opened besides is closed.
 * @param source config.json, whose siblings are the folder's other files
 * @throws MilletError MODEL_BAD_CONFIG, MODEL_UNKNOWN_ARCHITECTURE, MODEL_UNSUPPORTED_QUANTIZATION, MODEL_TENSOR_UNKNOWN,
 *   SAFETENSORS_*, TOKENIZER_*, SOURCE_*, ABORTED
 */
export async function openHuggingFace(
  source: ByteSource,
  { signal, quantize = "q8_0" }: HuggingFaceOptions = {},
): Promise<HuggingFaceModelFile> {
  const open = (fileName: string) => source.sibling(fileName, signal);
  const identity: FileIdentity[] = [];
  /** Reads a small file as a whole and closes it. */
  const textOf = async (file: ByteSource | undefined, rule: JsonRule): Promise<string | undefined> => {
    if (!file) return undefined;
    try {
      const bytes = await readWhole(file, rule, signal);
      identity.push(identityOf(file, bytes));
      return decodeUtf8(bytes, rule);
    } finally {
      if (file !== source) await file.close();
    }
  };
  const optionalText = async (rule: JsonRule) => textOf(await openOptional(open, rule.what), rule);

  const root = parseObject((await textOf(source, CONFIG))!, CONFIG);
  const { modelType, type, values } = typeOf(root);
  const config = new Config(values, type.defaults);
  const packed = packedForm(new Config(root)) ?? packedForm(config);
  const generation = await optionalText(GENERATION);
  const checkpoint = await openCheckpoint(open, signal);
  try {
    const layerCount = config.number("num_hidden_layers", "n_layer");
    const rope = type.learnedPositions ? undefined : ropeOf(config, headDimOf(config));
    const metadata = architectureMetadata(type, config, rope);
    const tied = config.boolean("tie_word_embeddings", root.tie_word_embeddings === true);
    const weights = folderWeights(checkpoint.tensors, { type, layerCount, tied, quantize, packed });
    for (const [name, factors] of Object.entries(rope?.factors ?? {}))
      weights.set(name, computedWeight(factors));
    const pooling = type.architecture === "bert" ? await optionalText(POOLING) : undefined;
    const pooled: [string, unknown][] =
      pooling === undefined ? [] : [["bert.pooling_type", poolingType(parseObject(pooling, POOLING))]];
    const texts = textMetadata(
      {
        generationConfig: generation === undefined ? undefined : parseObject(generation, GENERATION),
        tokenizer: await optionalText(TOKENIZER),
        tokenizerConfig: await optionalText(TOKENIZER_CONFIG),
        chatTemplate: await optionalText(TEMPLATE),
      },
      config,
      new Config(root),
    );
    return {
      container: "huggingface",
      name: nameOf(root, source) ?? `a ${modelType} model`,
      modelType,
      shardCount: new Set([...checkpoint.tensors.values()].map((tensor) => tensor.source)).size,
      metadata: new Map([...metadata, ...pooled, ...texts]),
      tensors: new Map([...weights].map(([name, weight]) => [name, tensorOf(weight)])),
      weights,
      byteLength: checkpoint.byteLength,
      identity: [...identity, ...checkpoint.identity],
      close: async () => {
        releaseScratch();
        await Promise.all([source.close(), checkpoint.close()]);
      },
    };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Models of several parts keep the language model's configuration in `text_config`. */
function typeOf(root: JsonObject): { modelType: string; type: ModelType; values: JsonObject } {
  const { model_type: outer, text_config: text } = root;
  const values = isObject(text) ? text : root;
  const names = isObject(text) ? [text.model_type, outer] : [outer];
  for (const name of names) {
    if (typeof name !== "string" || !Object.hasOwn(MODEL_TYPES, name)) continue;
    return { modelType: name, type: MODEL_TYPES[name]!, values };
  }
  throw new MilletError(
    "MODEL_UNKNOWN_ARCHITECTURE",
    `config.json: the model_type ${shown(names[0])} is not supported; this version reads folders of: ` +
      `${Object.keys(MODEL_TYPES).join(", ")}. Perhaps there is a GGUF file of the model.`,
    { details: { modelType: names[0] } },
  );
}

function headDimOf(config: Config): number {
  const given = config.optionalNumber("head_dim");
  const headDim = given ?? Math.floor(config.number("hidden_size") / config.number("num_attention_heads"));
  if (Number.isInteger(headDim) && headDim > 0 && headDim <= MAX_HEAD_DIM) return headDim;
  throw configError(`heads of ${headDim} elements make no sense.`);
}

const MAX_HEAD_DIM = 1 << 16;

/** The folder's, where it has a place; what the configuration says otherwise. */
function nameOf({ _name_or_path: given }: JsonObject, { origin }: ByteSource): string | undefined {
  const folder = origin?.location?.split(/[/\\]/).at(-2);
  const original = typeof given === "string" ? given.split(/[/\\]/).findLast(Boolean) : undefined;
  return folder || original || undefined;
}

function tensorOf({ spec }: WeightSource): ModelTensor {
  const { dtype, shape } = spec;
  const whole = (shape.at(-1) ?? 1) % DTYPES[dtype].blockElements === 0;
  return { type: { name: dtype, dtype }, shape, byteLength: whole ? byteLength(spec) : undefined };
}
