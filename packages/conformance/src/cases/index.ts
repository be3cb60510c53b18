/** The one list of cases: every op of core has some, which the type checks. */
import { add, mul, type OpName, silu, swiglu } from "@millet/core/ops";
import type { OpCase } from "../case.js";
import { attentionCases } from "./attention.js";
import { elementwiseCases } from "./elementwise.js";
import { embeddingCases } from "./embedding.js";
import { gatherRowsCases } from "./gather-rows.js";
import { linearCases } from "./linear.js";
import { rmsNormCases } from "./rms-norm.js";
import { ropeCases } from "./rope.js";
import { sampleCases } from "./sample.js";

export const CASES = {
  add: elementwiseCases(add, 2),
  attention: attentionCases,
  embedding: embeddingCases,
  gather_rows: gatherRowsCases,
  linear: linearCases,
  mul: elementwiseCases(mul, 2),
  rms_norm: rmsNormCases,
  rope: ropeCases,
  sample: sampleCases,
  silu: elementwiseCases(silu, 1),
  swiglu: elementwiseCases(swiglu, 2),
} as const satisfies Record<OpName, readonly OpCase[]>;
