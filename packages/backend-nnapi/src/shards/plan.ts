/** Which models a set of graphs is opened as: each a chain of shards, of which equal ones are one and the same. */
import type { OnnxModel } from "../onnx/model.js";
import { MOST_ONNX_BYTES } from "../onnx/write.js";
import { cutModel, withOutputs } from "./cut.js";
import { commonNodes, shardCuts } from "./places.js";

/**
 * Shards of each model, in order. Models that compute the same have equal ones; so have models that begin alike, up to
 * where they part.
 * @param maxBytes most bytes of a shard's file, save that one matrix is never cut
 */
export function planShards(
  models: readonly OnnxModel[],
  maxBytes = MOST_ONNX_BYTES,
): readonly (readonly OnnxModel[])[] {
  const distinct = new Map(models.map((model) => [structureOf(model), model]));
  const shared = commonNodes([...distinct.values()]);
  const chains = [...distinct.values()].map((model) => {
    const forced = shared > 0 && shared < model.graph.nodes.length ? [shared] : [];
    const cuts = shardCuts(model, Math.min(maxBytes, MOST_ONNX_BYTES), forced);
    return { parts: cutModel(model, cuts), common: cuts.filter((cut) => cut < shared).length + 1 };
  });
  const unified = chains.map(({ parts, common }) =>
    parts.map((part, i) => {
      if (shared === 0 || i >= common) return part;
      return withOutputs(
        part,
        chains.map((other) => other.parts[i]!),
      );
    }),
  );
  const byStructure = new Map([...distinct.keys()].map((key, i) => [key, unified[i]!]));
  return models.map((model) => byStructure.get(structureOf(model))!);
}

/** Equal for models that compute the same from the same weights: all of the graph but its name and the constants' data. */
export function structureOf({ graph: { nodes, inputs, outputs, initializers } }: OnnxModel): string {
  const constants = initializers.map(({ name, dtype, dims }) => [name, dtype, dims]);
  return JSON.stringify([nodes, inputs, outputs, constants]);
}
