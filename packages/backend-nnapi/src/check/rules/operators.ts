/** Rules on which operators there are. */
import { NNAPI_OPS } from "../ops.js";
import type { Rule } from "../rule.js";

/** What to write instead of operators that models use and the provider lacks. */
const INSTEAD: Readonly<Record<string, string>> = {
  SimplifiedLayerNormalization: "Write it as Mul, ReduceMean, Add, Sqrt, Div and Mul.",
  LayerNormalization: "Write it as ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Div, Mul and Add.",
  RotaryEmbedding: "Rotate within GroupQueryAttention, or with Mul, Sub, Add and Concat.",
  MatMulNBits: "Quantize to 8 bits and use QLinearMatMul.",
  MatMulInteger: "Use QLinearMatMul with scales from a calibration run.",
  DynamicQuantizeLinear: "Use QuantizeLinear with a scale from a calibration run.",
  Where: "Use Mul and Add with a mask.",
  Expand: "Let Add or Mul broadcast.",
  Erf: "Use the tanh form of GELU.",
};

export const knownOp: Rule = {
  name: "known-op",
  ops: "all",
  demands: "The provider has a builder for the operator.",
  check({ opType, domain }) {
    const op = Object.hasOwn(NNAPI_OPS, opType) ? NNAPI_OPS[opType] : undefined;
    const known = domain === "ai.onnx" ? "" : domain;
    if (op !== undefined && (op.domain ?? "") === known) return undefined;
    const name = domain === "" ? opType : `${domain}.${opType}`;
    return {
      what: `NNAPI has no ${name}`,
      fix: INSTEAD[opType] ?? "Write it with operators that it has, or leave it to the CPU.",
    };
  },
};

export const apiLevelRule: Rule = {
  name: "api-level",
  ops: "all",
  demands: "The Android version is new enough for the operator.",
  check({ opType }, { apiLevel }) {
    const needed = NNAPI_OPS[opType]?.apiLevel ?? 0;
    if (apiLevel >= needed) return undefined;
    return {
      what: `${opType} needs Android API level ${needed}, and ${apiLevel} is asked about`,
      fix: `Leave it to the CPU on older devices, or ask for API level ${needed}.`,
    };
  },
};

export const noSubgraph: Rule = {
  name: "no-subgraph",
  ops: "all",
  demands: "The node holds no graph of its own.",
  check({ attributes }) {
    const name = Object.keys(attributes).find((key) => {
      const attribute = attributes[key];
      return attribute?.type === "unread" && attribute.holdsGraph;
    });
    if (name === undefined) return undefined;
    return { what: `attribute ${name} is a graph`, fix: "Unroll the control flow when exporting." };
  },
};
