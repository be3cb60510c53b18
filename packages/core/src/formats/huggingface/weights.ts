/**
 * Weights of a Hugging Face folder by GGUF's names, in the order of the files: matrices as they are stored or quantized
 * while they are read, vectors as f32.
 */
import { MilletError } from "../../errors.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import type { WeightSource } from "../../tensor/weights.js";
import type { QuantizeChoice } from "../quantize.js";
import type { StoredTensor } from "../safetensors/index.js";
import { transposedWeight } from "./banded.js";
import { encodedWeight, storedWeight } from "./encoded.js";
import { type ModelType, PADDING_POSITIONS, type ValueRule } from "./model-types.js";
import { ggufName } from "./names.js";
import { type PackedForm, packedParts, packedWeight } from "./packed.js";
import { floatType, plusOne, stacked, storedValues, type Values, withoutRows } from "./values.js";

export interface WeightPlan {
  readonly type: ModelType;
  /** Of the layers before those that predict further tokens. */
  readonly layerCount: number;
  readonly tied: boolean;
  readonly quantize: QuantizeChoice;
  /** Of files whose matrices are packed already. */
  readonly packed: PackedForm | undefined;
}

/** Smaller matrices stay as they are: they cost no memory worth saving. */
const LEAST_ELEMENTS = 1024;
/** Tables of which a row is added, not multiplied: exact, as in GGUF files. */
const EXACT = /(^|\.)(position_embd|token_types)\.weight$|_norm\.weight$/;

/** @throws MilletError MODEL_TENSOR_UNKNOWN, MODEL_TENSOR_SHAPE, SAFETENSORS_UNKNOWN_DTYPE, MODEL_UNSUPPORTED_QUANTIZATION */
export function folderWeights(
  tensors: ReadonlyMap<string, StoredTensor>,
  plan: WeightPlan,
): Map<string, WeightSource> {
  const weights = new Map<string, WeightSource>();
  const add = (name: string, make: (name: string) => WeightSource) => {
    const own = ggufName(name, plan.type.names, plan.layerCount);
    if (own === null || (own === "output.weight" && plan.tied)) return;
    if (own === undefined || weights.has(own)) throw unknownTensor(name, own);
    weights.set(own, make(own));
  };
  const { packed, rest } = packedParts(tensors, plan.packed);
  for (const [name, parts] of packed) add(name, () => packedWeight(parts, plan.packed!));
  for (const [name, values] of joined(rest)) add(name, (own) => weightOf(own, values, plan));
  return weights;
}

function unknownTensor(name: string, twice: string | undefined): MilletError {
  const shown = JSON.stringify(name.slice(0, 80));
  return new MilletError(
    "MODEL_TENSOR_UNKNOWN",
    twice === undefined
      ? `Tensor ${shown} is unknown to models of this type: without it the model would compute something else. ` +
          "Get the model as GGUF, or tell us."
      : `Tensor ${shown} is there twice, under two names. Get the model again.`,
    { details: { name: name.slice(0, 80) } },
  );
}

/** A tensor as it is stored, or values put together. */
type Source = StoredTensor | Values;

function valuesOf(source: Source): Values {
  return "read" in source ? source : storedValues(source);
}

/** StableLM 2 has a norm's weights for each head, in a tensor each. */
function* joined(tensors: ReadonlyMap<string, StoredTensor>): Generator<[string, Source]> {
  const heads = new Map<string, Values[]>();
  for (const [name, tensor] of tensors) {
    const [, base, head] = /^(.*\.self_attn\.[qk]_)layernorm\.norms\.(\d{1,4})\.weight$/.exec(name) ?? [];
    if (base === undefined) yield [name, tensor];
    else heads.set(base, Object.assign(heads.get(base) ?? [], { [Number(head)]: storedValues(tensor) }));
  }
  for (const [base, parts] of heads) {
    const width = parts[0]?.shape[0];
    for (let i = 0; i < parts.length; i++) {
      const shape = parts[i]?.shape;
      if (shape?.length !== 1 || shape[0] !== width)
        throw shapeError(`${base}layernorm.norms.${i}.weight`, shape);
    }
    yield [`${base}norm.weight`, stacked(parts)];
  }
}

function shapeError(name: string, shape: readonly number[] | undefined): MilletError {
  const what = shape ? `has the shape [${shape.join(", ")}], which makes no sense.` : "is missing.";
  return new MilletError("MODEL_TENSOR_SHAPE", `Tensor ${JSON.stringify(name)} ${what} Get the model again.`);
}

function weightOf(name: string, source: Source, { type, quantize }: WeightPlan): WeightSource {
  const rule = type.rule?.(name);
  const [rows, columns] = source.shape;
  if (rows === undefined || source.shape.length > 2 || source.shape.includes(0))
    throw shapeError(name, source.shape);
  if (columns === undefined) return changed(source, rule === "transposed" ? undefined : rule, "f32");
  if (rule !== "transposed")
    return changed(source, rule, matrixType(name, source, [rows, columns], quantize));
  return transposedWeight(valuesOf(source), matrixType(name, source, [columns, rows], quantize));
}

/** The tensor's own bytes where nothing is to be done to them. */
function changed(
  source: Source,
  rule: Exclude<ValueRule, "transposed"> | undefined,
  dtype: DType,
): WeightSource {
  switch (rule) {
    case "plus-one":
      return encodedWeight(plusOne(valuesOf(source)), dtype);
    case "without-padding-rows":
      return encodedWeight(withoutRows(valuesOf(source), PADDING_POSITIONS), dtype);
    case undefined:
      return "read" in source || floatType(source) !== dtype
        ? encodedWeight(valuesOf(source), dtype)
        : storedWeight(source);
    default:
      return rule satisfies never;
  }
}

function matrixType(
  name: string,
  source: Source,
  [rows, columns]: readonly [number, number],
  quantize: QuantizeChoice,
): DType {
  if (EXACT.test(name)) return "f32";
  const divides = quantize !== "none" && columns % DTYPES[quantize].blockElements === 0;
  if (divides && rows * columns >= LEAST_ELEMENTS) return quantize;
  const stored = "read" in source ? "f32" : floatType(source);
  return stored === "f64" ? "f32" : stored;
}
