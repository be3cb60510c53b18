/** `millet inspect`: what is in a model file, from its header alone. Works on any GGUF file and on Hugging Face folders. */
import { QUANTIZE_CHOICES } from "@millet/core";
import type { HuggingFaceModelFile, ModelFile } from "@millet/core/formats";
import type { GgufModelFile } from "@millet/core/formats/gguf";
import { ARCHITECTURES } from "@millet/core/models";
import { type Context, defineCommand } from "../command.js";
import { EXIT_CODES, type ExitCode } from "../exit-codes.js";
import { formatBytes, formatCount } from "../format.js";
import { architectureOf, estimateFit, type Fit, shareByType, type TypeShare } from "../inspection.js";
import { withModelFile } from "../model-file.js";
import { inspectForNnapi, NNAPI_OPTIONS } from "../nnapi/inspect-nnapi.js";
import { choice, flag, usage } from "../options.js";
import { section } from "../sections.js";
import type { Output } from "../terminal/io.js";

const OPTIONS = {
  tensors: flag("List every tensor."),
  full: flag("Show long texts and arrays as a whole."),
  quantize: choice(QUANTIZE_CHOICES, "What the matrices of a Hugging Face folder become. Default: q8_0."),
  ...NNAPI_OPTIONS,
};

/** Of a text, and of an array, as far as the table shows them. */
const SHOWN_CHARACTERS = 72;
const SHOWN_ELEMENTS = 6;

export const inspect = defineCommand({
  name: "inspect",
  summary: "Show what is in a model file or folder and whether it fits here.",
  positionals: ["[file]"],
  options: OPTIONS,
  notes: [
    "With --json the tensors are always listed, and arrays of the metadata are whole with --full.",
    "",
    "Would Android's accelerator take this ONNX file, all but its attention?",
    "  millet inspect --nnapi model.onnx --api-level 29 --on-cpu GroupQueryAttention",
  ],
  run,
});

async function run({ options, positionals, io, signal }: Context<typeof OPTIONS>): Promise<ExitCode> {
  if (options.nnapi) {
    if (positionals[0] === undefined) throw usage("--nnapi needs the path of an ONNX file.");
    return inspectForNnapi(positionals[0], options, io.stdout);
  }
  if (options["api-level"] !== undefined || options["on-cpu"].length > 0)
    throw usage("--api-level and --on-cpu go with --nnapi.");
  await withModelFile(positionals[0], { signal, quantize: options.quantize }, (file) => {
    if (options.json) io.stdout.json(asJson(file, options.full));
    else write(file, options, io.stdout);
  });
  return EXIT_CODES.ok.code;
}

/** What only one of the containers has. */
function containerOf(file: ModelFile): Record<string, unknown> {
  if (isGguf(file)) return { format: "gguf", version: file.version, shardCount: file.shardCount };
  if (isFolder(file))
    return { format: "huggingface", modelType: file.modelType, shardCount: file.shardCount };
  return { format: file.container };
}

function isGguf(file: ModelFile): file is GgufModelFile {
  return file.container === "gguf";
}

function isFolder(file: ModelFile): file is HuggingFaceModelFile {
  return file.container === "huggingface";
}

function asJson(file: ModelFile, full: boolean): Record<string, unknown> {
  const { name, byteLength, metadata, tensors } = file;
  const value = (key: string) => {
    const { type, elementType, length } = valueInfo(file, key);
    return type === "array" && !full ? { elementType, length } : plain(metadata.get(key));
  };
  return {
    name,
    ...containerOf(file),
    architecture: architectureOf(file),
    isKnownArchitecture: known(architectureOf(file)),
    byteLength,
    types: shareByType(file),
    fit: estimateFit(file),
    metadata: Object.fromEntries([...metadata.keys()].map((key) => [key, value(key)])),
    tensors: [...tensors].map(([name, { type, shape, byteLength, ...place }]) => ({
      name,
      type: type.name,
      shape,
      ...("source" in place && { file: fileName(place.source) }),
      ...("offset" in place && { offset: place.offset }),
      byteLength,
    })),
  };
}

function fileName(source: unknown): unknown {
  return typeof source === "object" && source !== null && "name" in source ? source.name : undefined;
}

interface ValueInfo {
  readonly type: string;
  readonly elementType: string;
  readonly length: number;
}

/** GGUF has types of its own; other metadata have JavaScript's. */
function valueInfo(file: ModelFile, key: string): ValueInfo {
  if (isGguf(file)) return file.metadata.info(key)!;
  const value = file.metadata.get(key);
  if (!Array.isArray(value)) return { type: typeof value, elementType: typeof value, length: 1 };
  return { type: "array", elementType: typeof value[0], length: value.length };
}

/** JSON knows neither 64-bit integers nor typed arrays. */
function plain(value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  return Array.from(value as Iterable<unknown>, (item) => (typeof item === "bigint" ? String(item) : item));
}

function write(
  file: ModelFile,
  { tensors, full }: { tensors: boolean; full: boolean },
  output: Output,
): void {
  const { name, metadata } = file;
  section(output, name, [[headline(file)]]);
  section(
    output,
    `Metadata (${metadata.size})`,
    [...metadata.keys()].map((key) => [key, metadataText(file, key, full)]),
  );
  const types = shareByType(file);
  section(output, `Tensors (${formatCount(file.tensors.size)})`, types.map(typeRow), [1, 2, 3]);
  if (tensors) section(output, "All tensors", tensorRows(file));
  const fit = estimateFit(file);
  section(output, "On this machine", fitRows(fit, types));
}

function known(architecture: string | undefined): boolean {
  return ARCHITECTURES.some(({ name }) => name === architecture);
}

function headline(file: ModelFile): string {
  const name = architectureOf(file);
  const architecture = `${name ?? "unknown"}${known(name) ? "" : " (not supported by Millet)"}`;
  const size = formatBytes(file.byteLength);
  if (isGguf(file)) {
    const shards = file.shardCount > 1 ? ` in ${file.shardCount} files` : "";
    return `GGUF version ${file.version}, architecture ${architecture}, ${size}${shards}`;
  }
  const type = isFolder(file) ? ` of type ${file.modelType}` : "";
  return `Hugging Face folder${type}, architecture ${architecture}, ${size}; types and sizes as they are loaded`;
}

function metadataText(file: ModelFile, key: string, full: boolean): string {
  const { type, elementType, length } = valueInfo(file, key);
  const value = file.metadata.get(key);
  if (typeof value === "number" && type === "f32") return formatFloat32(value);
  if (type !== "array") return shorten(String(value), full);
  const items = Array.from(value as ArrayLike<unknown>).slice(0, full ? length : SHOWN_ELEMENTS);
  const texts = items.map((item) => (typeof item === "string" ? JSON.stringify(item) : String(item)));
  const more = items.length < length ? ", …" : "";
  return `${formatCount(length)} x ${elementType}: ${texts.join(", ")}${more}`;
}

/** The shortest number that is this one in float32: 0.00001, not 0.000009999999747378752. */
function formatFloat32(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(value);
}

function shorten(text: string, full: boolean): string {
  if (full) return text;
  const line = text.replace(/\s+/g, " ");
  return line.length > SHOWN_CHARACTERS
    ? `${line.slice(0, SHOWN_CHARACTERS)}… (${formatCount(text.length)} characters)`
    : line;
}

function typeRow({ type, tensors, parameters, byteLength, isSupported }: TypeShare): string[] {
  return [
    type,
    `${formatCount(tensors)} tensors`,
    `${formatCount(parameters)} parameters`,
    byteLength === undefined ? "unknown size" : formatBytes(byteLength),
    isSupported ? "" : "not supported by Millet",
  ];
}

function tensorRows(file: ModelFile): string[][] {
  return [...file.tensors].map(([name, { type, shape, byteLength }]) => [
    name,
    type.name,
    `[${shape.join(", ")}]`,
    byteLength === undefined ? "" : formatBytes(byteLength),
  ]);
}

function fitRows(fit: Fit | undefined, types: readonly TypeShare[]): string[][] {
  if (fit === undefined)
    return [["This file holds no tensors: a vocabulary only, which `millet tokenize` uses."]];
  const unsupported = types.filter(({ isSupported }) => !isSupported).map(({ type }) => type);
  const kv =
    fit.kvBytes === undefined
      ? "unknown"
      : `${formatBytes(fit.kvBytes)} at ${formatCount(fit.contextLength)} tokens of context`;
  return [
    ["Weights", formatBytes(fit.weightBytes)],
    ["KV cache", kv],
    ["Free memory", formatBytes(fit.freeBytes)],
    ["Estimate", fit.fits ? "it fits" : "it does not fit; a smaller model or quantization may"],
    ...(unsupported.length > 0
      ? [["Types", `Millet cannot compute with ${unsupported.join(", ")} yet`]]
      : []),
  ];
}
