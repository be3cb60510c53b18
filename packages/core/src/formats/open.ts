/** Opens a model of whatever container its first file belongs to. */
import type { ByteSource } from "../tensor/byte-source.js";
import { openGguf } from "./gguf/index.js";
import type { ModelFile } from "./model-file.js";

export interface OpenOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads headers and nothing else. The result owns `source`; if this throws, `source` is left open and what was opened
 * besides is closed.
 * @throws MilletError GGUF_* for damage and missing shards, SOURCE_*, ABORTED
 */
export function openContainer(source: ByteSource, options: OpenOptions = {}): Promise<ModelFile> {
  return openGguf(source, options);
}
