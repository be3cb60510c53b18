/**
 * Opens the weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json lists.
 */
import { MilletError } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { type FileIdentity, identityOf } from "../identity.js";
import {
  checkDensity,
  decodeUtf8,
  isObject,
  type JsonRule,
  jsonError,
  parseObject,
  readWhole,
} from "../json.js";
import {
  HEADER_LIMIT_BYTES,
  readSafetensorsHeader,
  type SafeTensor,
  type SafetensorsHeader,
} from "./header.js";

export const SINGLE_FILE = "model.safetensors";
export const INDEX_FILE = "model.safetensors.index.json";
const INDEX_LIMIT_BYTES = 32 << 20;
/** Of an index: it holds two objects, and no lists that matter. */
const BYTES_PER_OBJECT = 64;
const MAX_SHARDS = 4096;

/** A tensor and the file in which it lies. */
export interface StoredTensor extends SafeTensor {
  readonly source: ByteSource;
}

export interface Checkpoint {
  /** Of all shards in order. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly byteLength: number;
  readonly identity: readonly FileIdentity[];
  close(): Promise<void>;
}

/** Opens a file of the folder. @throws MilletError SOURCE_NOT_FOUND if there is none of that name */
export type OpenFile = (fileName: string) => Promise<ByteSource>;

/**
 * Reads the headers. If this throws, nothing stays open.
 * @throws MilletError SAFETENSORS_*, SOURCE_*, ABORTED
 */
export async function openCheckpoint(open: OpenFile, signal: AbortSignal | undefined): Promise<Checkpoint> {
  const single = await openOptional(open, SINGLE_FILE);
  if (single) return openShards([single], undefined, signal);
  const index = await openOptional(open, INDEX_FILE);
  if (!index) {
    throw new MilletError(
      "SOURCE_NOT_FOUND",
      `The model's folder has neither ${SINGLE_FILE} nor ${INDEX_FILE}. Millet reads weights from safetensors and GGUF ` +
        "files; checkpoints of PyTorch (.bin, .pth) can be converted with the Python package safetensors.",
    );
  }
  const { places, identity } = await readIndex(index, signal).finally(() => index.close());
  const sources: ByteSource[] = [];
  try {
    for (const fileName of new Set(places.values())) sources.push(await openShard(open, fileName));
  } catch (error) {
    await Promise.all(sources.map((source) => source.close()));
    throw error;
  }
  const checkpoint = await openShards(sources, places, signal);
  return { ...checkpoint, identity: [identity, ...checkpoint.identity] };
}

/** A file that may be missing. */
export async function openOptional(open: OpenFile, fileName: string): Promise<ByteSource | undefined> {
  try {
    return await open(fileName);
  } catch (error) {
    if (error instanceof MilletError && error.code === "SOURCE_NOT_FOUND") return undefined;
    throw error;
  }
}

async function openShard(open: OpenFile, fileName: string): Promise<ByteSource> {
  const source = await openOptional(open, fileName);
  if (source) return source;
  throw new MilletError(
    "SAFETENSORS_SHARD_MISSING",
    `${fileName} is missing in the model's folder, although ${INDEX_FILE} lists it. Get it as well.`,
    { details: { fileName } },
  );
}

/** Which file holds which tensor. */
async function readIndex(index: ByteSource, signal: AbortSignal | undefined) {
  const rule: JsonRule = { what: index.name, code: "SAFETENSORS_BAD_INDEX", limit: INDEX_LIMIT_BYTES };
  const bytes = await readWhole(index, rule, signal);
  checkDensity(bytes, BYTES_PER_OBJECT, rule);
  const { weight_map: map } = parseObject(decodeUtf8(bytes, rule), rule);
  const places = new Map<string, string>();
  for (const [name, fileName] of isObject(map) ? Object.entries(map) : []) {
    if (typeof fileName !== "string" || !/^[^/\\\0]+\.safetensors$/.test(fileName)) {
      throw jsonError(rule, `places ${JSON.stringify(name.slice(0, 80))} in no file of the folder.`);
    }
    places.set(name, fileName);
  }
  const shards = new Set(places.values()).size;
  if (shards === 0 || shards > MAX_SHARDS) throw jsonError(rule, `lists ${shards} files.`);
  return { places, identity: identityOf(index, bytes) };
}

/** Owns `sources` from the call on. */
async function openShards(
  sources: readonly ByteSource[],
  places: ReadonlyMap<string, string> | undefined,
  signal: AbortSignal | undefined,
): Promise<Checkpoint> {
  const close = async () => {
    await Promise.all(sources.map((source) => source.close()));
  };
  try {
    const headers: SafetensorsHeader[] = [];
    let limit = HEADER_LIMIT_BYTES; // all headers together keep to the limit of one
    for (const source of sources) {
      const header = await readSafetensorsHeader(source, { signal, limit });
      limit -= header.byteLength;
      headers.push(header);
    }
    const tensors = merge(sources, headers);
    if (places) checkPlaces(tensors, places);
    const identity = headers.map(({ hash }, i) => identityOf(sources[i]!, hash));
    return {
      tensors,
      byteLength: sources.reduce((sum, { byteLength }) => sum + byteLength, 0),
      identity,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function merge(
  sources: readonly ByteSource[],
  headers: readonly SafetensorsHeader[],
): Map<string, StoredTensor> {
  const merged = new Map<string, StoredTensor>();
  for (const [i, { tensors }] of headers.entries()) {
    const source = sources[i]!;
    for (const [name, tensor] of tensors) {
      if (merged.has(name)) throw mismatch(source.name, name, "is in another shard too");
      merged.set(name, { ...tensor, source });
    }
  }
  return merged;
}

/** The index and the shards must tell the same. */
function checkPlaces(tensors: ReadonlyMap<string, StoredTensor>, places: ReadonlyMap<string, string>): void {
  for (const [name, fileName] of places) {
    if (tensors.get(name)?.source.name !== fileName)
      throw mismatch(fileName, name, "is not in it, as the index says");
  }
  for (const [name, { source }] of tensors) {
    if (!places.has(name)) throw mismatch(source.name, name, "is unknown to the index");
  }
}

function mismatch(fileName: string, tensor: string, what: string): MilletError {
  return new MilletError(
    "SAFETENSORS_SHARD_MISMATCH",
    `${fileName}: tensor ${JSON.stringify(tensor.slice(0, 80))} ${what}. The files are not of one model: get all of them ` +
      "from one place again.",
    { details: { fileName } },
  );
}
