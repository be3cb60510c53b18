/**
 * loadModel(): opens a model file, chooses a backend, and gives a Model that generates text.
 * The one place that knows all layers.
 */
import type { LoadProgress } from "./backend/backend.js";
import { modelChat } from "./chat/model-chat.js";
import { throwIfAborted } from "./errors.js";
import type { ModelFile } from "./formats/index.js";
import { Engine, type EngineShape } from "./generate/engine.js";
import type { GenerateOptions } from "./generate/options.js";
import { mergeOptions, resolveOptions } from "./generate/resolve-options.js";
import { backendsOf, quantizeOf } from "./model/check-options.js";
import { fileDefaults } from "./model/file-defaults.js";
import { modelInfo } from "./model/info.js";
import { openModelFile, rememberFiles } from "./model/open-file.js";
import { checkPlatform } from "./model/platform.js";
import { RunningModel } from "./model/running-model.js";
import { serveBeside } from "./model/serve-beside.js";
import { type ReloadRecipe, ServedModel } from "./model/served-model.js";
import { modelShape } from "./model/shape.js";
import type { LoadModelOptions, Model, ModelPackage } from "./model/types.js";
import { defineModel } from "./models/index.js";
import {
  createStore,
  findPackage,
  type ModelSource,
  openSource,
  rememberSource,
  type SourceOptions,
} from "./store/index.js";
import type { MetadataMap } from "./tokenizer/describe-gguf.js";
import { modelTokenizer } from "./tokenizer/model-tokenizer.js";

/**
 * Loads a model.
 *
 *     const model = await loadModel("model.gguf", { backend: cpu() });
 *     for await (const text of model.generate("Once upon a time")) process.stdout.write(text);
 *     await model.dispose();
 *
 * What comes from a server is kept on this device (option `store`), so that the next load needs no download.
 *
 * @param given a path, a URL, "hf:owner/repo" with "/file.gguf" or ":Q4_0" behind it, a Blob or File, bytes, or the files
 *   of a split model; the path of a Hugging Face folder, its URL with "/" at the end, or its files; what a model package
 *   exports, in Node its name too. An open ByteSource is closed in the end.
 * @throws MilletError UNSUPPORTED_PLATFORM, ABORTED, SOURCE_*, STORE_*, GGUF_*, SAFETENSORS_*, MODEL_*, TOKENIZER_*, TEMPLATE_*,
 *   SCRIPT_UNAVAILABLE, INVALID_ARGUMENT; what the backend fails with, or BACKEND_UNAVAILABLE if none of several serves. Nothing stays behind
 */
export async function loadModel(
  given: ModelSource | ModelPackage,
  options: LoadModelOptions,
): Promise<Model> {
  const begin = performance.now();
  checkPlatform();
  const source = (typeof given === "string" ? await findPackage(given) : undefined) ?? given;
  const { signal, onProgress, onRecovery } = options;
  const quantize = quantizeOf(options.quantize);
  const notes: string[] = [];
  const factories = backendsOf(options.backend);
  throwIfAborted(signal, "Loading the model");
  onProgress?.({ phase: "open", loadedBytes: 0, totalBytes: 0 });
  const places = placesOf(options, notes);
  const file = await openModelFile(() => openSource(source, { ...places, signal }), { signal, quantize });
  try {
    const files = rememberFiles(rememberSource(source), file.identity, whatIsThere(places), { quantize });
    const recipe = { factories, files, onRecovery };
    return await loadFrom(file, recipe, { ...options, ...packaged(source, options), notes }, begin);
  } finally {
    await file.close();
  }
}

/** Where files come from and stay, by the caller's options. */
function placesOf(
  { fetch, headers, hub, network, onProgress, store }: LoadModelOptions,
  notes: string[],
): Omit<SourceOptions, "signal"> {
  return {
    fetch,
    headers,
    hub,
    network,
    store: store === false ? undefined : (store ?? createStore({ onFailure: "stream" })),
    onNote: (text) => notes.push(text),
    onDownload: (progress) => onProgress?.({ phase: "download", ...progress }),
  };
}

/** The same for a model that is loaded again: as it was loaded, whatever its server has by now. */
function whatIsThere(places: Omit<SourceOptions, "signal">): Omit<SourceOptions, "signal"> {
  const isOffline = (places.network ?? places.store?.network) === "none";
  return { ...places, network: isOffline ? "none" : "missing", onNote: undefined, onDownload: undefined };
}

/** What the model package says, the caller's defaults before its own. */
function packaged(source: ModelSource | ModelPackage, { system, generation = {} }: LoadModelOptions) {
  const { name, defaults = {} }: Partial<ModelPackage> =
    typeof source === "object" && "defaults" in source ? source : {};
  return {
    name,
    system: system === undefined ? defaults.system : system,
    generation: mergeOptions<GenerateOptions>(defaults.generation ?? {}, generation),
  };
}

/** Everything after the header; all weights are read when it returns. */
async function loadFrom(
  file: ModelFile,
  recipe: Omit<ReloadRecipe, "request">,
  options: LoadModelOptions & Pick<ModelPackage, "name"> & Pick<Model, "notes">,
  begin: number,
): Promise<Model> {
  const { signal, onProgress, name, notes, system } = options;
  const { metadata } = file;
  const generation = mergeOptions<GenerateOptions>(fileDefaults(metadata), options.generation ?? {});
  const definition = await defineModel(file);
  const info = modelInfo(file, definition, name);
  resolveOptions({ ...info, endOfGenerationIds: [] }, generation); // refuses bad defaults before the long part
  const { engine: shape, embedding, kv, leastBlocks, graphs } = modelShape(definition, options);
  const progress = { loadedBytes: 0, totalBytes: 0 };
  const request = { graphs, kv, leastBlocks };
  const serveRequest = {
    ...request,
    weights: definition.weights,
    signal,
    onProgress: (bytes: LoadProgress) => {
      Object.assign(progress, bytes);
      onProgress?.({ phase: "weights", ...bytes });
    },
  };
  const [loaded, text] = await serveBeside(recipe.factories, serveRequest, () => textParts(metadata, system));
  const served = new ServedModel(loaded, { ...recipe, request });
  const engine = await startEngine(served, shape, signal);
  onProgress?.({ phase: "ready", ...progress });
  const loadMs = performance.now() - begin;
  return new RunningModel({
    info,
    served,
    engine,
    embedding,
    ...text,
    defaults: { system: system ?? undefined, generation },
    loadMs,
    notes,
  });
}

/** What turns texts and messages into tokens and back. */
async function textParts(metadata: MetadataMap, system: string | null | undefined) {
  const tokenizer = await modelTokenizer(metadata);
  const stored = metadata.get("tokenizer.chat_template");
  const template = typeof stored === "string" ? stored : undefined;
  return { tokenizer, ...(await modelChat(template, tokenizer, system ?? undefined)) };
}

/** The last step that can fail: what was loaded goes with it. */
async function startEngine(
  served: ServedModel,
  shape: EngineShape,
  signal: AbortSignal | undefined,
): Promise<Engine> {
  try {
    throwIfAborted(signal, "Loading the model");
    return new Engine(served, shape);
  } catch (error) {
    await served.dispose();
    throw error;
  }
}
