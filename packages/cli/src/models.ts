/** Which file a model's name on the command line means. */
import { MilletError } from "@millet/core";
import type { ModelSource } from "@millet/core/store";

/** The package of the model that ships. */
export const DEFAULT_MODEL_PACKAGE = "@millet/model-smollm2-135m-instruct";

/**
 * A path or URL as it is; without a name, the model that ships.
 * @throws MilletError SOURCE_NOT_FOUND if the model's package is not installed
 */
export async function resolveModel(name: string | undefined): Promise<ModelSource> {
  if (name !== undefined) return name;
  try {
    const { model } = await import("@millet/model-smollm2-135m-instruct");
    return model;
  } catch (cause) {
    throw new MilletError(
      "SOURCE_NOT_FOUND",
      `The model that ships with millet, ${DEFAULT_MODEL_PACKAGE}, is not installed. ` +
        `Install it (npm install ${DEFAULT_MODEL_PACKAGE}) or name a model file.`,
      { cause },
    );
  }
}
