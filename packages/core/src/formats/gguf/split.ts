/**
 * Splits a GGUF model into shards by llama.cpp's convention: tensors unchanged and in order, all metadata in the
 * first shard, the split.* keys in each. The shards are written one after another.
 */
import { MilletError } from "../../errors.js";
import type { GgufModelFile } from "./model-file.js";
import { SPLIT_KEYS, shardFileName } from "./shards.js";
import type { GgufTypedValue } from "./values.js";
import type { PlacedTensor } from "./weights.js";
import { type ByteSink, type GgufTensorContents, writeGguf } from "./writer.js";

const PIECE_BYTES = 4 << 20;

export interface SplitOptions {
  /** File names before "-00001-of-0000N.gguf". */
  readonly prefix: string;
  /** No shard exceeds this, unless it holds the metadata or a single tensor that does. */
  readonly maxShardBytes: number;
  /** Opens the sink of a shard; `close` is called once its last byte is written. */
  readonly create: (
    fileName: string,
  ) => Promise<{ readonly write: ByteSink; readonly close: () => Promise<void> }>;
}

/**
 * Writes the shards of `model`, which must be in one file.
 * @returns their file names in order
 * @throws MilletError INVALID_ARGUMENT if the model is split already or has a tensor of unknown size
 */
export async function splitGguf(model: GgufModelFile, options: SplitOptions): Promise<string[]> {
  if (model.shardCount > 1) {
    throw new MilletError("INVALID_ARGUMENT", `${model.name} is split already. Split the unsplit file.`);
  }
  const metadata = [...model.metadata.typed()].filter(([key]) => !key.startsWith("split."));
  const groups = groupTensors(model, options.maxShardBytes);
  const names: string[] = [];
  for (const [index, tensors] of groups.entries()) {
    const fileName = shardFileName({ prefix: options.prefix, index, count: groups.length });
    const place = splitEntries(index, groups.length, model.tensors.size);
    const file = await options.create(fileName);
    await writeGguf(file.write, {
      metadata: index === 0 ? [...metadata, ...place] : place,
      tensors: tensors.map(contentsOf),
    });
    await file.close();
    names.push(fileName);
  }
  return names;
}

function splitEntries(index: number, count: number, tensorCount: number): [string, GgufTypedValue][] {
  return [
    [SPLIT_KEYS.index, { type: "u16", value: index }],
    [SPLIT_KEYS.count, { type: "u16", value: count }],
    [SPLIT_KEYS.tensorCount, { type: "i32", value: tensorCount }],
  ];
}

/** Fills shards in order; the first one counts the whole header of the model, the others 64 KiB for theirs. */
function groupTensors(model: GgufModelFile, maxShardBytes: number): PlacedTensor[][] {
  const headerBytes = Math.min(...[...model.tensors.values()].map((tensor) => tensor.offset));
  const groups: PlacedTensor[][] = [[]];
  let size = headerBytes;
  for (const tensor of model.tensors.values()) {
    const bytes = sizeOf(tensor);
    if (size + bytes > maxShardBytes && groups.at(-1)!.length > 0) {
      groups.push([]);
      size = 64 << 10;
    }
    groups.at(-1)!.push(tensor);
    size += bytes;
  }
  return groups;
}

function sizeOf({ name, type, byteLength }: PlacedTensor): number {
  if (byteLength !== undefined) return byteLength + 32;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Tensor ${JSON.stringify(name)} is ${type.name}, of unknown size.`,
  );
}

function contentsOf(tensor: PlacedTensor): GgufTensorContents {
  return { name: tensor.name, type: tensor.type.name, shape: tensor.shape, data: () => pieces(tensor) };
}

async function* pieces({ source, offset, byteLength = 0 }: PlacedTensor): AsyncGenerator<Uint8Array> {
  for (let done = 0; done < byteLength; done += PIECE_BYTES) {
    yield await source.read(offset + done, Math.min(PIECE_BYTES, byteLength - done));
  }
}
