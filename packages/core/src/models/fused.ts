/** Tensors that hold several dense layers one below the other, such as q, k and v: each part as a view of its rows. */
import type { WeightSources } from "../tensor/weights.js";
import type { DecoderSizes } from "./decoder/sizes.js";
import { rowsOf, withViews } from "./views.js";
import { requireWeight } from "./weights.js";

/** Rows of each part, in order, by the part's name. */
export type PartRows = Readonly<Record<string, number>>;

/** The rows of `attn_qkv`. */
export function queryKeyValueRows({ heads, kvHeads, headDim, valueDim }: DecoderSizes): PartRows {
  return { attn_q: heads * headDim, attn_k: kvHeads * headDim, attn_v: kvHeads * valueDim };
}

/**
 * Weights and biases of the named layers `blk.<n>.<name>` under the names of their parts.
 * @throws MilletError MODEL_TENSOR_SHAPE if the parts do not make up the whole
 */
export function splitFused(weights: WeightSources, fused: Readonly<Record<string, PartRows>>): WeightSources {
  return withViews(weights, (name, { spec }) => {
    const [, prefix, whole = "", ending] = /^(blk\.\d+\.)(\w+)\.(weight|bias)$/.exec(name) ?? [];
    if (!Object.hasOwn(fused, whole)) return undefined;
    const parts = Object.entries(fused[whole]!);
    const total = parts.reduce((sum, [, rows]) => sum + rows, 0);
    const source = requireWeight(weights, name, [total, ...spec.shape.slice(1)]);
    let first = 0;
    return parts.map(([part, rows]) => {
      const view = rowsOf(source, first, rows);
      first += rows;
      return [`${prefix}${part}.${ending}`, view] as const;
    });
  });
}
