/** Prompts with the products of dense layers in uint8, by the scales of a calibration: what NNAPI's accelerators compute. */
import { MilletError } from "@millet/core/errors";
import { contentHash } from "@millet/core/tensor";
import { modelDigest } from "../calibrate/digest.js";
import type { ActivationScales } from "../calibrate/scales.js";
import { emitGraph } from "../emit/emit.js";
import { planQuantization } from "../emit/quantized/plan.js";
import type { FormMaker } from "./form.js";
import { kept } from "./kept-json.js";
import { layerCount } from "./layers.js";

/** Raised when the same scales come to mean other files. */
const VERSION = 1;

export const w8a8Form: FormMaker = async (weights, { calibration, chunk, plan, files }, signal) => {
  if (!calibration) return missing();
  const model = await modelDigest(weights, signal);
  if (model !== calibration.model) return mismatch(calibration.model, model);
  const key = `w8a8 ${VERSION} ${plan} ${digestOf(calibration)}`;
  return {
    model,
    key,
    async emit(graph, signal) {
      const make = () => planQuantization([graph], weights, calibration, { plan, signal });
      const layers = layerCount(graph);
      const name = `millet-nnapi-${model}-plan-${layers}.json`;
      // It takes reading all weights twice.
      const quantization = await (files ? kept(files, name, key, make) : make());
      return emitGraph(graph, weights, { accuracyLevel: 4, rows: chunk, attention: "grouped", quantization });
    },
  };
};

function missing(): MilletError {
  return new MilletError(
    "CALIBRATION_MISSING",
    "There are no activation scales, and accelerators compute with fixed ones. Make them once for the model, with " +
      '"millet calibrate" or calibrate(), and pass them: nnapi({ calibration }).',
  );
}

function mismatch(found: string, wanted: string): MilletError {
  return new MilletError(
    "CALIBRATION_MISMATCH",
    `The activation scales are of another model (${found}, not ${wanted}). Make them for this one with "millet calibrate".`,
  );
}

/** Other scales make other files. */
function digestOf({ values, linears }: ActivationScales): string {
  const numbers = values.flatMap(({ usual, all }) => [
    ...usual.low,
    ...usual.high,
    ...(all ? [...all.low, ...all.high] : []),
  ]);
  const bytes = new Uint8Array(Float32Array.from(numbers).buffer);
  return contentHash(new TextEncoder().encode(`${contentHash(bytes)} ${JSON.stringify(linears)}`));
}
