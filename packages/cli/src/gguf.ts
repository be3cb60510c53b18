/** Opens the header of a model file for commands that compute nothing. */

import { type GgufModelFile, openGguf } from "@millet/core/formats/gguf";
import { openSource } from "@millet/core/store";
import { resolveModel } from "./models.js";

/**
 * Calls `use` with the model's header and closes the file.
 * @throws MilletError SOURCE_*, GGUF_*, and what `use` throws
 */
export async function withGguf<T>(
  given: string | undefined,
  signal: AbortSignal,
  use: (file: GgufModelFile) => Promise<T> | T,
): Promise<T> {
  const source = await openSource((await resolveModel(given)).source, { signal });
  try {
    const file = await openGguf(source, { signal });
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
