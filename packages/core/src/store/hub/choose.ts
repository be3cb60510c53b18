/** Which files of a repository are the model: the one that was named, the one GGUF file, or the Hugging Face folder. */
import { MilletError } from "../../errors.js";
import { shardNames } from "../remote.js";
import { notFoundError } from "../source.js";
import type { HubFile } from "./listing.js";
import type { HubReference } from "./reference.js";

/** Of a folder, all that a model may need, where it is there. config.json says what the model is and goes first. */
const FOLDER_FILES = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "chat_template.jinja",
  "model.safetensors.index.json",
];
const FOLDER_WEIGHTS = /^model(-\d{5}-of-\d{5})?\.safetensors$/;
/** GGUF files beside a model that are none: projectors of vision models and importance matrices. */
const NO_MODEL = /mmproj|imatrix/i;

/**
 * @returns the first file and the others of the model, all of one folder
 * @throws MilletError SOURCE_NOT_FOUND, INVALID_ARGUMENT if it is not clear which file is meant
 */
export function chooseFiles(reference: HubReference, files: readonly HubFile[]): readonly HubFile[] {
  const { path } = reference;
  if (path === undefined) return lookThrough(reference, files);
  const file = files.find((candidate) => candidate.path === path);
  if (file && nameOf(path) === "config.json") return folderFiles(folderOf(path), files);
  if (file) return withShards(file, files);
  const folder = files.some((candidate) => candidate.path.startsWith(`${path}/`)) ? `${path}/` : undefined;
  if (folder === undefined) throw notFoundError(`${path}`, ` in hf:${reference.repo}`);
  return lookThrough(
    reference,
    files.filter((candidate) => candidate.path.startsWith(folder)),
    folder,
  );
}

export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function lookThrough(reference: HubReference, files: readonly HubFile[], folder = ""): readonly HubFile[] {
  const { repo, quantization } = reference;
  const all = files.filter(({ path }) => isModel(path));
  const found = quantization === undefined ? all : all.filter(({ path }) => isOf(quantization, path));
  if (found.length === 1) return withShards(found[0]!, files);
  const choices = all.map(({ path }) => nameOf(path)).join(", ");
  if (found.length > 1) {
    throw new MilletError(
      "INVALID_ARGUMENT",
      `hf:${repo} has ${found.length} models: ${found.map(({ path }) => nameOf(path)).join(", ")}. Name one: ` +
        `hf:${repo}/${found[0]!.path}, or by its quantization, such as hf:${repo}:Q4_0.`,
    );
  }
  if (quantization !== undefined)
    throw notFoundError(`A GGUF file of ${quantization}`, ` in hf:${repo}: ${choices}`);
  const members = folderFiles(folder, files);
  if (members.length > 0) return members;
  throw notFoundError(
    "A model",
    ` in hf:${repo}: neither a GGUF file nor config.json with model.safetensors`,
  );
}

/** The first shard stands for all of a split file. */
function isModel(path: string): boolean {
  if (!path.endsWith(".gguf") || NO_MODEL.test(nameOf(path))) return false;
  return !/-\d{5}-of-\d{5}\.gguf$/.test(path) || path.includes("-00001-of-");
}

function isOf(quantization: string, path: string): boolean {
  const name = nameOf(path).replace(/(-\d{5}-of-\d{5})?\.gguf$/, "");
  return new RegExp(`(^|[._-])${quantization}$`, "i").test(name);
}

function withShards(file: HubFile, files: readonly HubFile[]): readonly HubFile[] {
  const names = shardNames(nameOf(file.path));
  if (names.length === 0) return [file];
  return names.map((name) => {
    const path = folderOf(file.path) + name;
    const shard = files.find((candidate) => candidate.path === path);
    if (!shard) throw notFoundError(path, `, a part of ${nameOf(file.path)}, on the hub`);
    return shard;
  });
}

/** None if it is no model's folder. */
function folderFiles(folder: string, files: readonly HubFile[]): readonly HubFile[] {
  const inside = new Map(
    files.filter(({ path }) => folderOf(path) === folder).map((file) => [nameOf(file.path), file]),
  );
  const weights = [...inside.keys()].filter((name) => FOLDER_WEIGHTS.test(name)).sort();
  if (!inside.has("config.json") || weights.length === 0) return [];
  return [...FOLDER_FILES, ...weights].flatMap((name) => inside.get(name) ?? []);
}
