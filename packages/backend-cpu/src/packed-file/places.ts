/** Where a model's packed file may be: in the folder that was asked for, or beside the model and then in the user's cache. */
import type { ContentOrigin } from "@millet/core/tensor";
import type { NodeParts } from "./node.js";

export const PACKED_SUFFIX = ".millet-packed";

/** @param file of the model @returns paths in the order in which they are tried */
export function placesOf(
  file: ContentOrigin,
  option: true | string,
  { path, cacheFolder, sha256 }: NodeParts,
): readonly string[] {
  const name = path.basename(file.location) || "model";
  // By place, not by content: a model that changed replaces its packed file.
  const alone = `${name}-${sha256(file.location).slice(0, 16)}${PACKED_SUFFIX}`;
  if (option !== true) return [path.join(path.resolve(option), alone)];
  const cached = path.join(cacheFolder, alone);
  return file.path === undefined ? [cached] : [`${file.path}${PACKED_SUFFIX}`, cached];
}
