/**
 * Opens a GGUF model, in one file or in shards: its metadata, its tensors and their bytes on demand.
 * What the metadata mean is the business of models/ and tokenizer/.
 */

import { MilletError } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { identityOf } from "../identity.js";
import type { ModelFile } from "../model-file.js";
import { HEADER_LIMIT_BYTES } from "./cursor.js";
import { type GgufHeader, readGgufHeader } from "./header.js";
import type { GgufMetadata } from "./metadata.js";
import {
  checkedShardName,
  mismatch,
  openShard,
  type ShardName,
  type ShardPlace,
  shardPlace,
} from "./shards.js";
import { GgufWeights, type PlacedTensor } from "./weights.js";

export interface GgufModelFile extends ModelFile {
  readonly container: "gguf";
  readonly version: number;
  /** `general.architecture`; undefined if the file does not say. */
  readonly architecture: string | undefined;
  /** Of the first shard. Values that are arrays are decoded on first use. */
  readonly metadata: GgufMetadata;
  /** By name, of all shards in order. Tensors of any type that GGML defines; see {@link GgufTensor.spec}. */
  readonly tensors: ReadonlyMap<string, PlacedTensor>;
  readonly shardCount: number;
}

interface Shard {
  readonly source: ByteSource;
  readonly header: GgufHeader;
}

/**
 * Reads the headers of a model and nothing else. Any of its shards will do; the others are found beside it.
 * The result owns `source`; if this throws, `source` is left open and what was opened besides is closed.
 * @throws MilletError GGUF_* for damage and missing shards, SOURCE_*, ABORTED
 */
export async function openGguf(
  source: ByteSource,
  { signal }: { signal?: AbortSignal | undefined } = {},
): Promise<GgufModelFile> {
  const given = { source, header: await readGgufHeader(source, { signal }) };
  const place = shardPlace(given.header);
  return place ? openSplit(given, place, signal) : modelOf([given]);
}

async function openSplit(
  given: Shard,
  place: ShardPlace,
  signal: AbortSignal | undefined,
): Promise<GgufModelFile> {
  const name = checkedShardName(given.source.name, place);
  const shards: Shard[] = [];
  try {
    for (let index = 0; index < place.count; index++) {
      const shard =
        index === place.index ? given : await readShard(given.source, { ...name, index }, shards, signal);
      shards.push(shard);
    }
    const model = modelOf(shards);
    if (place.tensorCount !== undefined && place.tensorCount !== model.tensors.size) {
      throw mismatch(
        model.name,
        `promises ${place.tensorCount} tensors, but the shards hold ${model.tensors.size}`,
      );
    }
    return model;
  } catch (error) {
    await Promise.all(shards.filter((shard) => shard !== given).map((shard) => shard.source.close()));
    throw error;
  }
}

/** All headers together keep to the limit of one. */
async function readShard(
  beside: ByteSource,
  name: ShardName,
  before: readonly Shard[],
  signal: AbortSignal | undefined,
): Promise<Shard> {
  const source = await openShard(beside, name, signal);
  try {
    const used = before.reduce((sum, shard) => sum + shard.header.byteLength, 0);
    const header = await readGgufHeader(source, { signal, limit: HEADER_LIMIT_BYTES - used });
    const place = shardPlace(header);
    if (place?.index !== name.index || place.count !== name.count) {
      throw mismatch(source.name, `does not hold shard ${name.index + 1} of ${name.count}`);
    }
    return { source, header };
  } catch (error) {
    await source.close();
    throw error;
  }
}

function modelOf(shards: readonly Shard[]): GgufModelFile {
  const { fileName, version, metadata } = shards[0]!.header;
  const tensors = mergeTensors(shards);
  const architecture = metadata.get("general.architecture");
  return {
    container: "gguf",
    name: fileName,
    version,
    architecture: typeof architecture === "string" ? architecture : undefined,
    metadata,
    tensors,
    weights: new GgufWeights(tensors),
    byteLength: shards.reduce((sum, { source }) => sum + source.byteLength, 0),
    shardCount: shards.length,
    identity: shards.map(({ source, header }) => identityOf(source, header.hash)),
    close: async () => {
      await Promise.all(shards.map(({ source }) => source.close()));
    },
  };
}

function mergeTensors(shards: readonly Shard[]): Map<string, PlacedTensor> {
  const merged = new Map<string, PlacedTensor>();
  for (const { source, header } of shards) {
    for (const [name, tensor] of header.tensors) {
      if (merged.has(name)) {
        throw new MilletError(
          "GGUF_DUPLICATE_TENSOR",
          `${source.name}: tensor ${JSON.stringify(name.slice(0, 80))} is in another shard too. Get the shards again.`,
        );
      }
      merged.set(name, { ...tensor, source });
    }
  }
  return merged;
}
