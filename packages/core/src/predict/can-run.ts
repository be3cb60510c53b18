/** canRun(): what a model will take and do on this machine, from its header alone. */
import type { Backend, BackendFactory } from "../backend/backend.js";
import { kvPlanFor, supportedGraphs } from "../backend/serve.js";
import { isMilletError, MilletError, throwIfAborted } from "../errors.js";
import type { ModelFile } from "../formats/index.js";
import { integer } from "../generate/resolve-options.js";
import { KV_BLOCK_ROWS } from "../graph/kv.js";
import { backendsOf, quantizeOf } from "../model/check-options.js";
import { modelInfo } from "../model/info.js";
import { openModelFile } from "../model/open-file.js";
import { checkPlatform } from "../model/platform.js";
import { modelShape } from "../model/shape.js";
import type { ModelPackage } from "../model/types.js";
import { defineModel, type ModelDefinition } from "../models/index.js";
import { type ModelSource, openSource } from "../store/index.js";
import { modelTokenizer } from "../tokenizer/model-tokenizer.js";
import { compose } from "./compose.js";
import { freeMemory, predictMemory } from "./memory.js";
import { probe } from "./probe.js";
import { readSpeed } from "./read-speed.js";
import { type ModelScale, scaledFiles, scaleOf, wholeModel } from "./scale-model.js";
import type { BackendPrediction, CanRunOptions, CanRunReport } from "./types.js";
import { judgeMemory, judgeSpeed } from "./verdict.js";

/**
 * Predicts memory, load time and speed of a model on each of the backends, and says whether it is worth loading.
 *
 *     const { backends } = await canRun("https://example.com/model.gguf", { backend: [webgpu(), cpu()] });
 *     console.log(backends[0].verdict, backends[0].reason);
 *
 * Reads the header and nothing else; of a local file also a few megabytes, to time it. Speeds come from a benchmark of a
 * second or two, for which a backend loads a smaller model of the same shapes and types with made-up weights.
 * @throws MilletError as loadModel does for the source and the model; what is wrong with a backend is in its answer
 */
export async function canRun(
  source: ModelSource | ModelPackage,
  options: CanRunOptions,
): Promise<CanRunReport> {
  checkPlatform();
  const factories = backendsOf(options.backend);
  const { signal, fetch, headers, hub, network, store } = options;
  const quantize = quantizeOf(options.quantize);
  throwIfAborted(signal, "Looking at the model");
  const begin = performance.now();
  const places = { fetch, headers, hub, network, store: store === false ? undefined : store, signal };
  const file = await openModelFile(() => openSource(source, places), { signal, quantize });
  try {
    return await report(file, source, factories, options, begin);
  } finally {
    await file.close();
  }
}

async function report(
  file: ModelFile,
  source: ModelSource | ModelPackage,
  factories: readonly BackendFactory[],
  options: CanRunOptions,
  begin: number,
): Promise<CanRunReport> {
  const whole = wholeModel(file);
  const definition = await defineModel(scaledFiles(file, whole, whole));
  const name = typeof source === "object" && "defaults" in source ? source.name : undefined;
  const info = modelInfo(file, definition, name);
  await modelTokenizer(file.metadata); // a model that cannot be loaded for its tokenizer fails here
  const openMs = performance.now() - begin;
  const generatedTokens = integer("generatedTokens", options.generatedTokens ?? 64, 1);
  const promptTokens = integer("promptTokens", options.promptTokens ?? 256, 1);
  const memoryBytes = options.memoryBytes ?? freeMemory();
  const { contextLength, generation } = modelShape(definition, options).engine;
  if (generation && promptTokens + generatedTokens > contextLength)
    throw tooLong(promptTokens + generatedTokens, contextLength);
  const request: Request = {
    file,
    definition,
    whole,
    openMs,
    promptTokens,
    generatedTokens,
    memoryBytes,
    options,
  };
  const backends: BackendPrediction[] = [];
  for (const factory of factories) backends.push(await predict(factory, request));
  return { info, promptTokens, generatedTokens, memoryBytes, backends };
}

interface Request {
  readonly file: ModelFile;
  readonly definition: ModelDefinition;
  readonly whole: ReturnType<typeof wholeModel>;
  readonly openMs: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly memoryBytes: number | undefined;
  readonly options: CanRunOptions;
}

async function predict(factory: BackendFactory, request: Request): Promise<BackendPrediction> {
  const { signal } = request.options;
  const { name } = factory;
  let backend: Backend | undefined;
  try {
    backend = await factory.create(signal && { signal });
    return { name, ...(await predictOn(backend, request)) };
  } catch (error) {
    throwIfAborted(signal, "Looking at the model");
    if (!isMilletError(error)) throw error;
    return {
      name,
      verdict: "unavailable",
      reason: error.message,
      error,
      capabilities: backend?.capabilities,
    };
  } finally {
    await backend?.dispose();
  }
}

async function predictOn(backend: Backend, request: Request): Promise<Omit<BackendPrediction, "name">> {
  const { file, definition, options, memoryBytes, promptTokens, generatedTokens, whole } = request;
  const shape = modelShape(definition, options);
  const kv = kvPlanFor(backend, shape.kv);
  const graphs = supportedGraphs(shape.graphs, backend);
  const memory = predictMemory(backend, {
    graphs,
    kv,
    tokens: promptTokens + generatedTokens,
    conversations: integer("conversations", options.conversations ?? 1, 1),
    blocksPerSequence: shape.leastBlocks,
    tokenizerEntries: whole.vocabulary + mergesOf(file),
  });
  const { capabilities } = backend;
  const unfit = judgeMemory(memory, capabilities.memoryLimitBytes, memoryBytes);
  if (unfit !== undefined) return { ...unfit, capabilities, memory };
  if (options.measure === false) {
    return { verdict: "runs well", reason: "It fits; its speed was not measured.", capabilities, memory };
  }
  if (shape.engine.generation === undefined) {
    return {
      verdict: "runs well",
      reason: "It fits; the speed of encoders is not predicted.",
      capabilities,
      memory,
    };
  }
  const begin = performance.now();
  const speeds = await predictSpeeds(backend, request);
  const measuredMs = performance.now() - begin;
  return { ...judgeSpeed(speeds, promptTokens), capabilities, memory, ...speeds, measuredMs };
}

function mergesOf({ metadata }: ModelFile): number {
  const merges = metadata.get("tokenizer.ggml.merges");
  return Array.isArray(merges) ? merges.length : 0;
}

async function predictSpeeds(backend: Backend, request: Request) {
  const { file, options, promptTokens, generatedTokens, whole, openMs } = request;
  const scale: ModelScale = scaleOf(whole);
  const small = await defineModel(scaledFiles(file, whole, scale));
  const shape = modelShape(small, options);
  const steps = shape.graphs.map(({ decode, prompt }) => ({ decode: decode!, prompt: prompt! }));
  const blocks = Math.ceil((promptTokens + generatedTokens) / KV_BLOCK_ROWS);
  const times = await probe(backend, {
    graphs: supportedGraphs(steps, backend),
    weights: small.weights,
    kv: kvPlanFor(backend, { ...shape.kv, maxBlocks: blocks }),
    vocabulary: scale.vocabulary,
    promptTokens,
    generatedTokens,
    signal: options.signal,
  });
  const readBytesPerMs = await readSpeed(file, options.signal);
  const { fileBytes } = whole;
  return compose(times, { whole, scale, promptTokens, fileBytes, readBytesPerMs, openMs });
}

function tooLong(tokens: number, contextLength: number): MilletError {
  return new MilletError(
    "INVALID_ARGUMENT",
    `promptTokens and generatedTokens are ${tokens} together; the context has ${contextLength}. Set contextLength, or ask for fewer.`,
  );
}
