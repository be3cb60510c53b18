/** The one list of cases: every op of core has some, which the type checks. */
import { add, geglu, gelu, mul, type OpName, scale, silu, softCap, swiglu } from "@millet/core/ops";
import type { OpCase } from "../case.js";
import { attentionCases } from "./attention.js";
import { elementwiseCases } from "./elementwise.js";
import { embeddingCases } from "./embedding.js";
import { gatherRowsCases } from "./gather-rows.js";
import { layerNormCases } from "./layer-norm.js";
import { linearCases } from "./linear.js";
import { rmsNormCases } from "./rms-norm.js";
import { ropeCases } from "./rope.js";
import { sampleCases } from "./sample.js";

const PLAIN = { attrs: {} };
const TANH = { attrs: { approximation: "tanh" }, label: "tanh" } as const;
const EXACT = { attrs: { approximation: "none" }, label: "exact" } as const;

export const CASES = {
  add: elementwiseCases(add, 2, PLAIN),
  attention: attentionCases,
  embedding: embeddingCases,
  gather_rows: gatherRowsCases,
  geglu: [...elementwiseCases(geglu, 2, TANH), ...elementwiseCases(geglu, 2, { ...EXACT, scale: 2 })],
  gelu: [...elementwiseCases(gelu, 1, { ...TANH, scale: 2 }), ...elementwiseCases(gelu, 1, EXACT)],
  layer_norm: layerNormCases,
  linear: linearCases,
  mul: elementwiseCases(mul, 2, PLAIN),
  rms_norm: rmsNormCases,
  rope: ropeCases,
  sample: sampleCases,
  scale: elementwiseCases(scale, 1, { attrs: { factor: -0.22 } }),
  silu: elementwiseCases(silu, 1, PLAIN),
  soft_cap: [
    ...elementwiseCases(softCap, 1, { attrs: { cap: 5 }, label: "cap 5" }),
    // 1 - 2 / (e^2x + 1) would lose most digits of these.
    ...elementwiseCases(softCap, 1, { attrs: { cap: 30 }, label: "cap 30", scale: 0.05 }),
  ],
  swiglu: elementwiseCases(swiglu, 2, PLAIN),
} as const satisfies Record<OpName, readonly OpCase[]>;
