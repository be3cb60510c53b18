/**
 * A model like the one in a header but smaller: fewer layers and a smaller vocabulary, of the same shapes and types.
 * What it takes to run is measured on it and scaled up. All weights are made up.
 */
import type { ModelFiles } from "../models/index.js";
import { byteLength, type TensorSpec } from "../tensor/tensor.js";
import type { WeightSource } from "../tensor/weights.js";
import { syntheticWeight } from "./synthetic-weights.js";

/** Larger than caches, so that weights come from memory as they do in a whole model. */
const TARGET_BYTES = 160e6;
/** Most bytes of the output matrix. */
const HEAD_BYTES = 48e6;
const LEAST_LAYERS = 2;

export interface ModelScale {
  readonly layers: number;
  readonly vocabulary: number;
}

/** The sizes of the whole model, and bytes of its parts in the file. */
export interface WholeModel extends ModelScale {
  readonly layerBytes: number;
  /** Of the output matrix, which may be the embedding too. */
  readonly headBytes: number;
  readonly fileBytes: number;
}

const LAYER = /^blk\.(\d+)\./;
const EMBEDDING = "token_embd.weight";
/** Layers that predict further tokens: block_count counts them, a step does not run them. */
const MTP_LAYERS = "nextn_predict_layers";

export function wholeModel({ metadata, weights }: ModelFiles): WholeModel {
  const architecture = String(metadata.get("general.architecture"));
  const number = (key: string, fallback: number) =>
    Number(metadata.get(`${architecture}.${key}`) ?? fallback);
  const layers = number("block_count", 1) - number(MTP_LAYERS, 0);
  const vocabulary = weights.get(EMBEDDING)?.spec.shape[0] ?? 1;
  let [layerBytes, fileBytes] = [0, 0];
  for (const [name, { spec }] of weights) {
    fileBytes += byteLength(spec);
    if (LAYER.test(name)) layerBytes += byteLength(spec);
  }
  const head = weights.get("output.weight") ?? weights.get(EMBEDDING);
  const headBytes = head === undefined ? 0 : byteLength(head.spec);
  return { layers, vocabulary, layerBytes, headBytes, fileBytes };
}

/** The part of the model that is measured: all of a small one. */
export function scaleOf({ layers, vocabulary, layerBytes, headBytes }: WholeModel): ModelScale {
  if (layerBytes + headBytes <= 1.25 * TARGET_BYTES) return { layers, vocabulary };
  const share = Math.min(1, HEAD_BYTES / headBytes);
  const rows = share === 1 ? vocabulary : Math.max(256, Math.round((vocabulary * share) / 256) * 256);
  const left = TARGET_BYTES - (headBytes * rows) / vocabulary;
  const fitting = Math.round(left / (layerBytes / layers));
  return {
    layers: Math.min(layers, Math.max(LEAST_LAYERS, fitting)),
    vocabulary: Math.min(vocabulary, rows),
  };
}

/** The same files with made-up weights and the sizes of `scale`; without tokenizer. */
export function scaledFiles(files: ModelFiles, whole: ModelScale, scale: ModelScale): ModelFiles {
  const architecture = String(files.metadata.get("general.architecture"));
  // Layers from all over the model, since types and windows differ from layer to layer.
  const picks = Array.from({ length: scale.layers }, (_, i) =>
    Math.floor(((i + 0.5) * whole.layers) / scale.layers),
  );
  const metadata = new Map<string, unknown>();
  for (const key of files.metadata.keys()) {
    if (!key.startsWith("tokenizer.")) metadata.set(key, ofPicks(files.metadata.get(key), picks, whole));
  }
  metadata.set(`${architecture}.block_count`, scale.layers);
  metadata.set(`${architecture}.${MTP_LAYERS}`, 0);
  metadata.set(`${architecture}.vocab_size`, scale.vocabulary);
  const weights = new Map<string, WeightSource>();
  for (const [name, { spec }] of files.weights) {
    const layer = LAYER.exec(name)?.[1];
    const cut = layer === undefined ? withRows(spec, whole.vocabulary, scale.vocabulary) : spec;
    const rest = name.slice(layer === undefined ? 0 : `blk.${layer}.`.length);
    if (layer === undefined) weights.set(name, syntheticWeight(cut));
    picks.forEach((pick, i) => {
      if (pick === Number(layer)) weights.set(`blk.${i}.${rest}`, syntheticWeight(spec));
    });
  }
  return { metadata, weights, container: files.container };
}

/** Values that are given layer by layer. */
function ofPicks(value: unknown, picks: readonly number[], { layers }: ModelScale): unknown {
  const isList = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (!isList) return value;
  const items: readonly unknown[] = Array.from(value as ArrayLike<unknown>);
  return items.length === layers && layers > 1 ? picks.map((pick) => items[pick]) : value;
}

function withRows(spec: TensorSpec, from: number, to: number): TensorSpec {
  const [rows, ...rest] = spec.shape;
  return rows === from && from !== to ? { ...spec, shape: [to, ...rest] } : spec;
}
