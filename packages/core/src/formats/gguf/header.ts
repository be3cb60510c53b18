/**
 * Reads the header of one GGUF file (versions 2 and 3, little endian) and nothing behind it.
 * Source: the GGUF specification (ggml, docs/gguf.md). Shards are put together in model-file.ts.
 */
import { MilletError } from "../../errors.js";
import type { ByteSource } from "../../tensor/byte-source.js";
import { contentHash } from "../../tensor/content-hash.js";
import { type Cursor, HEADER_LIMIT_BYTES, HeaderReader } from "./cursor.js";
import { GgufMetadata, type MetadataEntry, parseEntry } from "./metadata.js";
import { type GgufTensor, parseTensor, placeTensors } from "./tensors.js";

const MAGIC = 0x46554747; // "GGUF"
const DEFAULT_ALIGNMENT = 32;
/** Far above any real model (some dozens of keys, some ten thousand tensors), and cheap to hold. */
const MAX_KEYS = 1 << 16;
const MAX_TENSORS = 1 << 17;
/** An empty key with a one-byte value; a tensor with an empty name and no dimensions. */
const MIN_KEY_BYTES = 8 + 4 + 1;
const MIN_TENSOR_BYTES = 8 + 4 + 4 + 8;

export interface GgufPreamble {
  readonly version: number;
  readonly tensorCount: number;
  readonly keyCount: number;
}

export interface GgufHeader {
  readonly fileName: string;
  readonly version: number;
  readonly metadata: GgufMetadata;
  /** By name, in the order of the file; offsets count from the start of the file. */
  readonly tensors: ReadonlyMap<string, GgufTensor>;
  readonly alignment: number;
  /** Bytes of the header itself, without the padding behind it. */
  readonly byteLength: number;
  /** Of these bytes; see {@link contentHash}. */
  readonly hash: string;
}

/**
 * Reads and checks the header of one file, in a few growing reads.
 * @param limit bytes that the header may have
 * @throws MilletError GGUF_* for every kind of damage, SOURCE_*, ABORTED
 */
export async function readGgufHeader(
  source: ByteSource,
  { signal, limit = HEADER_LIMIT_BYTES }: { signal?: AbortSignal | undefined; limit?: number } = {},
): Promise<GgufHeader> {
  const reader = new HeaderReader(source, limit, signal);
  const { version, tensorCount, keyCount } = await reader.run(parsePreamble);
  const entries = new Map<string, MetadataEntry>();
  for (let i = 0; i < keyCount; i++) {
    const [key, entry] = await reader.run((cursor) => parseNewEntry(cursor, entries));
    entries.set(key, entry);
  }
  const metadataEnd = reader.position;
  const alignment = alignmentOf(source.name, entries);
  const parsed: GgufTensor[] = [];
  for (let i = 0; i < tensorCount; i++) parsed.push(await reader.run(parseTensor));
  const byteLength = reader.position;
  const tensors = placeTensors(parsed, {
    fileName: source.name,
    fileBytes: source.byteLength,
    start: Math.ceil(byteLength / alignment) * alignment,
    alignment,
  });
  // Copied where that lets go of much that was read beyond the metadata.
  const { bytes } = reader;
  const own = 2 * metadataEnd < bytes.byteLength ? bytes.slice(0, metadataEnd) : bytes;
  const metadata = new GgufMetadata(entries, own);
  const hash = contentHash(bytes.subarray(0, byteLength));
  return { fileName: source.name, version, metadata, tensors, alignment, byteLength, hash };
}

/**
 * Magic, version and counts: what every later check stands on.
 * @throws MilletError GGUF_TRUNCATED, GGUF_BAD_MAGIC, GGUF_BIG_ENDIAN, GGUF_UNSUPPORTED_VERSION, GGUF_BAD_COUNT
 */
export function parsePreamble(cursor: Cursor): GgufPreamble {
  if (cursor.u32() !== MAGIC) throw badMagic(cursor);
  const version = cursor.u32();
  if (version !== 2 && version !== 3) throw badVersion(cursor, version);
  const tensorCount = cursor.size();
  const keyCount = cursor.size();
  checkCount(cursor, keyCount, MAX_KEYS, "metadata keys");
  checkCount(cursor, tensorCount, MAX_TENSORS, "tensors");
  cursor.checkFits(1, keyCount * MIN_KEY_BYTES + tensorCount * MIN_TENSOR_BYTES, "header");
  return { version, tensorCount, keyCount };
}

function checkCount(cursor: Cursor, count: number, most: number, what: string): void {
  if (count <= most) return;
  throw cursor.error(
    "GGUF_BAD_COUNT",
    `the header claims ${count} ${what}; more than ${most} are not possible.`,
  );
}

/** What other files begin with, where people expect a GGUF file. */
const LOOKALIKES: readonly (readonly [start: string, kind: string])[] = [
  ["<", "a web page, perhaps a server's error message"],
  ["version https://git-lfs", "a Git LFS pointer: the file itself was not fetched"],
  ["PK\x03\x04", "a ZIP archive or a PyTorch checkpoint"],
  ["lmgg", "a GGML file from before GGUF"],
  ["fmgg", "a GGML file from before GGUF"],
  ["tjgg", "a GGML file from before GGUF"],
];

function badMagic(cursor: Cursor): MilletError {
  cursor.position = 0;
  const start = String.fromCharCode(...cursor.bytes.subarray(0, 32));
  const kind = LOOKALIKES.find(([prefix]) => start.startsWith(prefix))?.[1];
  const what = kind ? `it looks like ${kind}` : `it begins with ${JSON.stringify(start.slice(0, 4))}`;
  return cursor.error("GGUF_BAD_MAGIC", `this is no GGUF file: ${what}.`, "Choose a .gguf file.");
}

function badVersion(cursor: Cursor, version: number): MilletError {
  if (version !== 0 && version % 65536 === 0) {
    const what = "the file is big endian, as made for IBM Z.";
    return cursor.error(
      "GGUF_BIG_ENDIAN",
      what,
      "Get the little-endian file, or convert it (gguf-convert-endian).",
    );
  }
  return cursor.error(
    "GGUF_UNSUPPORTED_VERSION",
    `this is GGUF version ${version}; versions 2 and 3 are supported.`,
    version === 1 ? "Convert the model again with a current llama.cpp." : "A newer Millet may read it.",
  );
}

function parseNewEntry(cursor: Cursor, known: ReadonlyMap<string, MetadataEntry>): [string, MetadataEntry] {
  const [key, entry] = parseEntry(cursor);
  if (!known.has(key)) return [key, entry];
  throw cursor.error(
    "GGUF_DUPLICATE_KEY",
    `the metadata key ${JSON.stringify(key.slice(0, 80))} occurs twice.`,
  );
}

function alignmentOf(fileName: string, entries: ReadonlyMap<string, MetadataEntry>): number {
  const entry = entries.get("general.alignment");
  if (!entry) return DEFAULT_ALIGNMENT;
  const alignment = entry.type === "u32" ? Number(entry.value) : 0;
  if (alignment > 0 && Number.isInteger(Math.log2(alignment))) return alignment;
  throw new MilletError(
    "GGUF_BAD_METADATA",
    `${fileName}: general.alignment must be a power of two of type u32. The file is damaged: get it again.`,
  );
}
