/** Brings a model's weights into the engine: from its packed file where one is kept and sound, else from the model. */
import type { LoadOptions, PackedFileReport } from "@millet/core/backend";
import type { WeightSources } from "@millet/core/tensor";
import type { Engine } from "./engine/engine.js";
import { loadWeights } from "./load-weights.js";
import type { ModelPlan } from "./model-plan.js";
import type { EarlyStart } from "./packed-file/early.js";
import type { PackedFile } from "./packed-file/packed-file.js";

/**
 * @param early what was begun with `engine` and this packed file
 * @returns what became of the packed file, if one was asked for
 * @throws MilletError as loadWeights does
 */
export async function placeWeights(
  engine: Engine,
  plan: ModelPlan,
  weights: WeightSources,
  packed: PackedFile | undefined,
  options: LoadOptions,
  early?: EarlyStart,
): Promise<PackedFileReport | undefined> {
  if (await packed?.restore(engine, options, early)) return packed?.report;
  await loadWeights(engine, plan, weights, options);
  await packed?.save(engine, options);
  return packed?.report;
}
