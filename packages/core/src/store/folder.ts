/** Folders of model files (Hugging Face's): which of the files is opened first. */
import { MilletError } from "../errors.js";
import type { ModelFiles } from "./source.js";

/** Names the others and says what the model is; its siblings are opened as they are needed. */
export const FOLDER_CONFIG = "config.json";

/** The address of a folder's config.json; any other address as it is. */
export function withoutFolder(url: URL): URL {
  if (!url.pathname.endsWith("/")) return url;
  const config = new URL(FOLDER_CONFIG, url);
  config.search = url.search;
  return config;
}

/** Of a list that holds a folder's files, config.json; of any other, the first. */
export function firstFile(files: ModelFiles["files"]): ModelFiles["files"][number] | undefined {
  const isFolder = files.some(({ name }) => name.endsWith(".safetensors"));
  const config = isFolder ? files.find(({ name }) => name === FOLDER_CONFIG) : undefined;
  return config ?? files[0];
}

/** What a local folder is opened by: config.json, or its only GGUF model. @throws MilletError SOURCE_NOT_FOUND */
export function entryOf(folder: string, fileNames: readonly string[]): string {
  const models = fileNames.filter(isFirstGguf);
  if (fileNames.some((name) => name.endsWith(".safetensors")) || models.length === 0) {
    if (fileNames.includes(FOLDER_CONFIG)) return FOLDER_CONFIG;
  }
  if (models.length === 1) return models[0]!;
  throw new MilletError(
    "SOURCE_NOT_FOUND",
    models.length > 1
      ? `The folder ${folder} holds several models: ${models.slice(0, 8).join(", ")}. Name one of these files.`
      : `The folder ${folder} holds neither a ${FOLDER_CONFIG} with model.safetensors nor a .gguf file.`,
    { details: { folder } },
  );
}

/** Of a split model only the first shard counts. */
function isFirstGguf(name: string): boolean {
  return /\.gguf$/i.test(name) && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(name);
}
