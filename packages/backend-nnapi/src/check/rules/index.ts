/** The one list of rules, in the order in which a node is judged: the first that it breaks is reported. */
import type { Rule } from "../rule.js";
import { apiLevelRule, knownOp, noSubgraph } from "./operators.js";
import { clipBounds, constantParameters, gatherIndices, reshapeForm } from "./parameters.js";
import {
  constantQuantization,
  constantWeights,
  gemmForm,
  matrixOperands,
  perTensorScale,
  quantizedSoftmax,
  quantizedWeights,
  quantizeType,
} from "./products.js";
import {
  castType,
  dataType,
  definedOperands,
  inlineConstants,
  notEmpty,
  rank,
  staticShape,
} from "./values.js";

export const NNAPI_RULES: readonly Rule[] = [
  noSubgraph,
  knownOp,
  apiLevelRule,
  definedOperands,
  inlineConstants,
  staticShape,
  notEmpty,
  rank,
  dataType,
  castType,
  matrixOperands,
  constantWeights,
  gemmForm,
  constantQuantization,
  perTensorScale,
  quantizedWeights,
  quantizeType,
  quantizedSoftmax,
  constantParameters,
  clipBounds,
  gatherIndices,
  reshapeForm,
];
