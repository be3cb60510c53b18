/** Opens the files of a model from whatever place, and the same files once more. */
import { isMilletError, type MilletError } from "../errors.js";
import {
  changedFileError,
  checkSameFiles,
  type FileIdentity,
  type ModelFile,
  type OpenOptions,
  openContainer,
} from "../formats/index.js";
import type { ByteSource, SourceOptions, SourceRecipe } from "../store/index.js";

/**
 * @param open opens the model's first file
 * @returns the model, whose `close` closes everything; if this throws, nothing stays open
 */
export async function openModelFile(
  open: () => Promise<ByteSource>,
  options: OpenOptions,
): Promise<ModelFile> {
  const source = await open();
  try {
    return await openContainer(source, options);
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
  open(signal: AbortSignal): Promise<ModelFile>;
}

/**
 * @param identity of the files that were opened
 * @param opened how they were
 */
export function rememberFiles(
  source: SourceRecipe,
  identity: readonly FileIdentity[],
  options: Omit<SourceOptions, "signal">,
  opened: OpenOptions,
): FilesRecipe {
  return {
    problem: () => source.problem(),
    async open(signal) {
      const again = { ...opened, signal };
      const file = await openModelFile(() => source.open({ ...options, signal }), again).catch((error) => {
        const damaged = isMilletError(error) && /^(GGUF|SAFETENSORS|MODEL)_/.test(error.code);
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
