/** Opens the header of a model file, or those of a Hugging Face folder, for commands that compute nothing. */
import { isMilletError } from "@millet/core";
import { type ModelFile, type OpenOptions, openContainer } from "@millet/core/formats";
import { type ByteSource, createStore, type ModelSource, openSource } from "@millet/core/store";
import { resolveModel } from "./models.js";

/**
 * Calls `use` with the model's header and closes the file.
 * @throws MilletError SOURCE_*, GGUF_*, SAFETENSORS_*, MODEL_*, and what `use` throws
 */
export async function withModelFile<T>(
  given: string | undefined,
  options: OpenOptions & { readonly signal: AbortSignal },
  use: (file: ModelFile) => Promise<T> | T,
): Promise<T> {
  const source = await openHeader((await resolveModel(given)).source, options.signal);
  try {
    const file = await openContainer(source, options);
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Of a model that is stored without a request; otherwise from its server, which then sends the header and no more. */
async function openHeader(source: ModelSource, signal: AbortSignal): Promise<ByteSource> {
  try {
    return await openSource(source, { signal, store: createStore(), network: "none" });
  } catch (error) {
    if (!isMilletError(error) || !/^(SOURCE_NOT_STORED|STORE_)/.test(error.code)) throw error;
    return openSource(source, { signal });
  }
}
