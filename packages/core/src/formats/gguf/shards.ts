/**
 * Shards of a split GGUF model: their file names and what each header says about its place.
 * The convention is llama.cpp's gguf-split: name-00001-of-0000N.gguf, keys split.no, split.count, split.tensors.count.
 */
import { MilletError } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import type { GgufHeader } from "./header.js";

export const SPLIT_KEYS = {
  index: "split.no",
  count: "split.count",
  tensorCount: "split.tensors.count",
} as const;

export interface ShardName {
  readonly prefix: string;
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** "model-00002-of-00003.gguf" for prefix "model", index 1, count 3. */
export function shardFileName({ prefix, index, count }: ShardName): string {
  const digits = (value: number) => String(value).padStart(5, "0");
  return `${prefix}-${digits(index + 1)}-of-${digits(count)}.gguf`;
}

/** The parts of a shard's file name; undefined if it does not follow the convention. */
export function parseShardName(fileName: string): ShardName | undefined {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/.exec(fileName);
  return match ? { prefix: match[1]!, index: Number(match[2]) - 1, count: Number(match[3]) } : undefined;
}

/** What a header says about its place; undefined for a model in one file. */
export interface ShardPlace {
  readonly index: number;
  readonly count: number;
  /** Of the whole model, if the file says so. */
  readonly tensorCount: number | undefined;
}

/** @throws MilletError GGUF_BAD_METADATA if the keys do not make sense */
export function shardPlace({ fileName, metadata }: GgufHeader): ShardPlace | undefined {
  const integer = (key: string): number | undefined => {
    const value = metadata.get(key);
    if (value === undefined || (typeof value === "number" && Number.isInteger(value) && value >= 0))
      return value;
    throw new MilletError(
      "GGUF_BAD_METADATA",
      `${fileName}: ${key} must be a whole number. Get the file again.`,
    );
  };
  const count = integer(SPLIT_KEYS.count) ?? 0;
  if (count <= 1) return undefined;
  return { index: integer(SPLIT_KEYS.index) ?? 0, count, tensorCount: integer(SPLIT_KEYS.tensorCount) };
}

/** The shard's own name, held against its header. @throws MilletError GGUF_SHARD_MISSING, GGUF_SHARD_MISMATCH */
export function checkedShardName(fileName: string, place: ShardPlace): ShardName {
  const name = parseShardName(fileName);
  if (!name) {
    const expected = shardFileName({ prefix: "model", ...place });
    throw new MilletError(
      "GGUF_SHARD_MISSING",
      `${fileName} is shard ${place.index + 1} of ${place.count}, but by its name the others cannot be found. ` +
        `Give the shards names like ${expected}, side by side.`,
    );
  }
  if (name.index !== place.index || name.count !== place.count) {
    const holds = `shard ${place.index + 1} of ${place.count}`;
    throw mismatch(fileName, `holds ${holds}, which its name contradicts`);
  }
  return name;
}

export function mismatch(fileName: string, what: string): MilletError {
  return new MilletError(
    "GGUF_SHARD_MISMATCH",
    `${fileName} ${what}. The shards are not of one model: get all of them from one place again.`,
    { details: { fileName } },
  );
}

/** Opens another shard beside `source`. @throws MilletError GGUF_SHARD_MISSING, SOURCE_*, ABORTED */
export async function openShard(source: ByteSource, name: ShardName, signal: AbortSignal | undefined) {
  const fileName = shardFileName(name);
  return source.sibling(fileName, signal).catch((cause: unknown) => {
    if (!(cause instanceof MilletError) || cause.code !== "SOURCE_NOT_FOUND") throw cause;
    throw new MilletError(
      "GGUF_SHARD_MISSING",
      `${fileName} is missing beside ${source.name}: the model consists of ${name.count} files. Get it as well.`,
      { cause, details: { fileName, count: name.count } },
    );
  });
}
