/** Which model a name on the command line means. */
import { MilletError, type ModelPackage } from "@millet/core";
import type { ModelSource } from "@millet/core/store";

/** The package of the model that ships. */
export const DEFAULT_MODEL_PACKAGE = "@millet/model-smollm2-135m-instruct";

export interface NamedModel {
  /** Its file's name without what only computers need: "SmolLM2-135M-Instruct.Q4_1". */
  readonly name: string;
  readonly source: ModelSource | ModelPackage;
}

/**
 * A path or URL as it is; where none is given, the model that ships.
 * @throws MilletError SOURCE_NOT_FOUND if that model's package is not installed
 */
export async function resolveModel(given: string | undefined): Promise<NamedModel> {
  if (given !== undefined) return { name: shortName(given), source: given };
  try {
    const { model } = await import("@millet/model-smollm2-135m-instruct");
    return { name: shortName(model.files[0]!.name), source: model };
  } catch (cause) {
    throw new MilletError(
      "SOURCE_NOT_FOUND",
      `The model that ships with millet, ${DEFAULT_MODEL_PACKAGE}, is not installed. ` +
        `Install it (npm install ${DEFAULT_MODEL_PACKAGE}) or name a model file.`,
      { cause },
    );
  }
}

/** The last part of a path or URL without shard number and ending. */
export function shortName(address: string): string {
  const path = address.replace(/[?#].*$/, "").replace(/[/\\]+$/, "");
  const file = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return file.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, "") || address;
}
