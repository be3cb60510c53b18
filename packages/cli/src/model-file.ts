/** Opens the header of a model file, or those of a Hugging Face folder, for commands that compute nothing. */

import { type ModelFile, type OpenOptions, openContainer } from "@millet/core/formats";
import { openSource } from "@millet/core/store";
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
  const source = await openSource((await resolveModel(given)).source, { signal: options.signal });
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
