/** Loads the model that a command line names, with a progress bar. */
import { KV_DTYPES, type LoadModelOptions, loadModel, type Model, QUANTIZE_CHOICES } from "@millet/core";
import { BACKEND_OPTIONS, chooseBackend } from "./backends.js";
import { resolveModel } from "./models.js";
import { choice, integer, type OptionValues } from "./options.js";
import { downloadDetail, STORE_OPTIONS, storeOptions } from "./store.js";
import type { Io } from "./terminal/io.js";
import { ProgressBar } from "./terminal/progress.js";

export const LOAD_OPTIONS = {
  ...BACKEND_OPTIONS,
  ...STORE_OPTIONS,
  "context-length": integer("Most tokens of prompt and text together. Default: at most 4096.", { min: 2 }),
  "kv-type": choice(
    KV_DTYPES,
    "How the KV cache keeps keys and values: f16 takes half of the memory of f32, q8_0 a quarter. Default: f16.",
  ),
  quantize: choice(
    QUANTIZE_CHOICES,
    "What the matrices of a Hugging Face folder become while they are read. Default: q8_0.",
  ),
};

/** A model, and the name by which the user knows it. */
export interface LoadedModel {
  readonly name: string;
  readonly model: Model;
}

/**
 * Loads `given`, a path, a URL, hf:owner/repo or the name of a model package, or the model that ships where there is none.
 * @throws MilletError as loadModel does; the bar is gone then
 */
export async function load(
  given: string | undefined,
  values: OptionValues<typeof LOAD_OPTIONS>,
  io: Io,
  signal: AbortSignal,
  sizes: Pick<LoadModelOptions, "contextLength" | "kvCapacityTokens"> = {},
): Promise<LoadedModel> {
  const bar = new ProgressBar(io.stderr);
  try {
    const { name, source } = await resolveModel(given);
    const model = await loadModel(source, {
      backend: chooseBackend(values),
      contextLength: values["context-length"] ?? sizes.contextLength,
      kvCapacityTokens: sizes.kvCapacityTokens,
      kvDType: values["kv-type"],
      quantize: values.quantize,
      signal,
      ...storeOptions(values),
      onProgress: ({ phase, loadedBytes, totalBytes, ...download }) =>
        bar.update(
          `${phase === "download" ? "Downloading" : "Loading"} ${name}`,
          loadedBytes,
          totalBytes,
          downloadDetail(download),
        ),
    });
    bar.clear();
    for (const note of model.notes) io.stderr.line(`note: ${note}`);
    for (const problem of model.backend.packedFile?.problems ?? []) io.stderr.line(`note: ${problem}`);
    return { name, model };
  } finally {
    bar.clear();
  }
}
