/**
 * Opens a model of whatever container its first file belongs to. What reads Hugging Face folders is a part of its own,
 * which pages fetch for such a folder only.
 */
import { corePart, MilletError } from "../errors.js";
import type { ByteSource } from "../tensor/byte-source.js";
import { openGguf } from "./gguf/index.js";
import type { HuggingFaceOptions } from "./huggingface/index.js";
import type { ModelFile } from "./model-file.js";

export type OpenOptions = HuggingFaceOptions;

const CONFIG_FILE = "config.json";

/**
 * Reads headers and nothing else. A Hugging Face folder is given by its config.json, or by any of its other files.
 * The result owns `source`; if this throws, `source` is left open and what was opened besides is closed.
 * @throws MilletError GGUF_* and SAFETENSORS_* for damage and missing shards, MODEL_*, TOKENIZER_*, SOURCE_*, ABORTED,
 *   SCRIPT_UNAVAILABLE
 */
export async function openContainer(source: ByteSource, options: OpenOptions = {}): Promise<ModelFile> {
  if (source.name !== CONFIG_FILE && !isOfFolder(source.name)) return openGguf(source, options);
  const { openHuggingFace } = await corePart(import("./huggingface/index.js"));
  if (source.name === CONFIG_FILE) return openHuggingFace(source, options);
  const config = await source.sibling(CONFIG_FILE, options.signal).catch((cause: unknown) => {
    throw isMissing(cause) ? alone(source, cause) : cause;
  });
  try {
    const file = await openHuggingFace(config, options);
    await source.close();
    return file;
  } catch (error) {
    await config.close();
    throw error;
  }
}

function isOfFolder(name: string): boolean {
  return /\.safetensors(\.index\.json)?$|^(generation_config|tokenizer|tokenizer_config)\.json$/.test(name);
}

function isMissing(error: unknown): boolean {
  return error instanceof MilletError && error.code === "SOURCE_NOT_FOUND";
}

function alone({ name }: ByteSource, cause: unknown): MilletError {
  return new MilletError(
    "SOURCE_NOT_FOUND",
    `${name} is part of a model of several files, but ${CONFIG_FILE} is not beside it. Give the whole folder, or all of ` +
      "its files.",
    { cause, details: { name: CONFIG_FILE } },
  );
}
