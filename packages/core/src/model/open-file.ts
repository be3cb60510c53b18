/** Opens the files of a model from whatever place, and the same files once more. */
import { isMilletError, type MilletError } from "../errors.js";
import {
  changedFileError,
  checkSameFiles,
  type FileIdentity,
  type GgufModelFile,
  openGguf,
} from "../formats/gguf/index.js";
import type { ByteSource, SourceOptions, SourceRecipe } from "../store/index.js";

/**
 * @param open opens the model's first file
 * @returns the model, whose `close` closes everything; if this throws, nothing stays open
 */
export async function openModelFile(
  open: () => Promise<ByteSource>,
  signal: AbortSignal | undefined,
): Promise<GgufModelFile> {
  const source = await open();
  try {
    return await openGguf(source, { signal });
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** Files of a model to be opened again. */
export interface FilesRecipe {
  /** Why they cannot be opened, as far as that is known without trying. */
  problem(): MilletError | undefined;
  /** @throws MilletError SOURCE_*, ABORTED; SOURCE_CHANGED if other files are there now */
  open(signal: AbortSignal): Promise<GgufModelFile>;
}

/** @param identity of the files that were opened */
export function rememberFiles(
  source: SourceRecipe,
  identity: readonly FileIdentity[],
  options: Pick<SourceOptions, "fetch" | "headers">,
): FilesRecipe {
  return {
    problem: () => source.problem(),
    async open(signal) {
      const file = await openModelFile(() => source.open({ ...options, signal }), signal).catch((error) => {
        const damaged = isMilletError(error) && error.code.startsWith("GGUF_");
        throw damaged ? changedFileError(identity[0]!, error) : error;
      });
      try {
        checkSameFiles(identity, file.identity);
        return file;
      } catch (error) {
        await file.close();
        throw error;
      }
    },
  };
}
