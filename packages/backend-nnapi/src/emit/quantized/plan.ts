/**
 * How a model's dense layers become uint8: which scales, which factors of columns. Made once, from the ranges of a calibration
 * and from the weights, which are read twice; the emitter then only writes down what stands here.
 */
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import type { WeightSource, WeightSources } from "@millet/core/tensor";
import { modelDigest } from "../../calibrate/digest.js";
import type { ActivationScales } from "../../calibrate/scales.js";
import { balance, type Layer } from "./balance.js";
import { type Levels, levelsOf } from "./levels.js";

/**
 * "safe": the products of dense layers are in integers, all else is as ONNX Runtime's CPU does it best. "fused": what is
 * between them is of operators that NNAPI has too, so that a layer falls into as few parts as attention allows.
 */
export const QUANTIZATION_PLANS = ["fused", "safe"] as const;
export type QuantizationPlanName = (typeof QUANTIZATION_PLANS)[number];

export interface QuantizedLinear extends Levels {
  /** What the input's columns are divided by before they become integers. [K] */
  readonly divisors: Float32Array;
  /** What the output's columns are multiplied with after they were integers. [N] */
  readonly factors: Float32Array;
  readonly weightScale: number;
}

export interface QuantizationPlan {
  readonly name: QuantizationPlanName;
  /** By the name of the layer's weight. */
  readonly linears: ReadonlyMap<string, QuantizedLinear>;
  /** Weights of layers that would lose too much and are float32 instead. Layers without ranges stay as they are. */
  readonly floats: ReadonlySet<string>;
}

/** Layers that rounding is expected to change by more than this, relative to their outputs, stay float32. */
const MOST_NOISE = 0.05;

export interface PlanOptions {
  readonly plan?: QuantizationPlanName | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param graphs steps of the model; layers of any of them are planned
 * @throws MilletError CALIBRATION_MISMATCH if the scales are of another model, SOURCE_*, ABORTED
 */
export async function planQuantization(
  graphs: readonly Graph[],
  weights: WeightSources,
  scales: ActivationScales,
  { plan = "fused", signal }: PlanOptions = {},
): Promise<QuantizationPlan> {
  const digest = await modelDigest(weights, signal);
  if (digest !== scales.model) throw mismatch(`they are of model ${scales.model}, and this is ${digest}`);
  const linears = new Map<string, QuantizedLinear>();
  const floats = new Set<string>();
  // Nothing behind the last layer makes its error small again, and in SmolLM2 it alone costs 1% of perplexity.
  const last = Object.keys(scales.linears).at(-1);
  for (const { names, isUnbounded } of graphs.flatMap((graph) => layersByInput(graph, scales))) {
    if (names.every((name) => linears.has(name) || floats.has(name))) continue;
    throwIfAborted(signal, "Planning the quantization");
    const { divisors, layers } = await balance(names.map((name) => layerOf(name, weights, scales)));
    for (const layer of layers) {
      const { name, factors, weightScale, noise } = layer;
      if (noise > MOST_NOISE || name === last) {
        floats.add(name);
        continue;
      }
      linears.set(name, { divisors, factors, weightScale, ...levelsOf(layer, divisors, isUnbounded) });
    }
  }
  return { name: plan, linears, floats };
}

interface SharedInput {
  /** Of the weights of layers that have ranges. */
  readonly names: readonly string[];
  /** Whether it is neither a norm's result nor attention's, which is a mean of values: a product of activations, say. */
  readonly isUnbounded: boolean;
}

const BOUNDED: ReadonlySet<string> = new Set(["rms_norm", "layer_norm", "attention"]);

function layersByInput(graph: Graph, scales: ActivationScales): readonly SharedInput[] {
  const groups = new Map<Value, string[]>();
  const producers = new Map<Value, string>();
  for (const { op, inputs, outputs } of graph.nodes.map(asOpNode)) {
    const [x, weight] = inputs;
    for (const value of outputs) producers.set(value, op);
    if (op !== "linear" || !Object.hasOwn(scales.linears, weight!.name)) continue;
    const names = groups.get(x!) ?? [];
    groups.set(x!, names);
    if (!names.includes(weight!.name)) names.push(weight!.name);
  }
  return [...groups].map(([x, names]) => ({ names, isUnbounded: !BOUNDED.has(producers.get(x) ?? "") }));
}

function layerOf(name: string, weights: WeightSources, scales: ActivationScales): Layer {
  const source: WeightSource | undefined = weights.get(name);
  if (!source) throw new MilletError("MODEL_TENSOR_MISSING", `The model has no tensor "${name}".`);
  const ranges = scales.linears[name]!;
  const [input, output] = [scales.values[ranges.input]!, scales.values[ranges.output]!];
  const [rows, columns] = source.spec.shape;
  const found = [output.usual.low.length, input.usual.low.length];
  if (found[0] !== rows || found[1] !== columns)
    throw mismatch(`"${name}" is [${rows}, ${columns}], and they have [${found}]`);
  return { name, source, input, output };
}

function mismatch(problem: string): MilletError {
  return new MilletError(
    "CALIBRATION_MISMATCH",
    `The activation scales do not fit the model: ${problem}. Make them anew with "millet calibrate".`,
  );
}
