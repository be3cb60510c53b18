/**
 * The part of attention_span that has variants: scores of a tile of cached rows, and what is needed for their maximum.
 * Neighbouring invocations share a row's product and read neighbouring units of its key. "plain" adds their shares in
 * workgroup memory; "subgroups" adds those of four neighbours by shuffles, since no subgroup is smaller (WGSL, section
 * 17.12), and relies on subgroups being neighbours in order, which the self-test at load proves on a device.
 */
import type { KernelFeature } from "../features.js";
import { type AttentionShape, NO_ROW, NO_SCORE } from "./shape.js";
import { TILE_ROWS } from "./spans.js";

export interface SpanVariant {
  readonly name: "plain" | "subgroups";
  readonly extensions: readonly string[];
  /** Further parameters of `main`. */
  readonly parameters: string;
  /** Least words of the array `maxima`, and WGSL for how many of them count. */
  readonly maxima: number;
  readonly maximaCount: string;
  /**
   * Statements that write `scores[TILE_ROWS]` and `maxima` from `rows` and `query`, and end with a barrier. The array
   * `shares` is free to use: 8 x TILE_ROWS vectors.
   */
  scores(shape: AttentionShape, together: number, threads: number): string;
}

const plain: SpanVariant = {
  name: "plain",
  extensions: [],
  parameters: "",
  maxima: 8,
  maximaCount: "8u",
  scores: (shape, together, threads) => `
    for (var i = lane; i < ${8 * TILE_ROWS}u; i += ${threads}u) {
      ${shareWgsl(shape, together, 8)}
      shares[i] = share;
    }
    workgroupBarrier();
    if (lane < ${TILE_ROWS}u) {
      var score = vec4<f32>(0f);
      for (var i = 0u; i < 8u; i++) { score += shares[lane * 8u + i]; }
      scores[lane] = select(capped(score), vec4<f32>(${NO_SCORE}), rows[lane] == ${NO_ROW});
    }
    workgroupBarrier();
    if (lane < 8u) {
      var top = scores[lane * ${TILE_ROWS / 8}u];
      for (var i = 1u; i < ${TILE_ROWS / 8}u; i++) { top = max(top, scores[lane * ${TILE_ROWS / 8}u + i]); }
      maxima[lane] = top;
    }
    workgroupBarrier();`,
};

const subgroups: SpanVariant = {
  name: "subgroups",
  extensions: ["subgroups"],
  parameters: ", @builtin(subgroup_invocation_id) sub_lane: u32, @builtin(subgroup_size) sub_size: u32",
  maxima: 32,
  maximaCount: "(128u / sub_size)",
  scores: (shape, together, threads) => `
    var top = vec4<f32>(${NO_SCORE});
    for (var turn = 0u; turn < ${(4 * TILE_ROWS) / threads}u; turn++) {
      let i = lane + turn * ${threads}u;
      ${shareWgsl(shape, together, 4)}
      share += subgroupShuffleXor(share, 1u);
      share += subgroupShuffleXor(share, 2u);
      let score = select(capped(share), vec4<f32>(${NO_SCORE}), row == ${NO_ROW});
      if (i % 4u == 0u) { scores[i / 4u] = score; }
      top = max(top, score);
    }
    top = subgroupMax(top);
    if (sub_lane == 0u) { maxima[lane / sub_size] = top; }
    workgroupBarrier();`,
};

/** The variants that a device allows, the plain one first, the one that is expected to be fastest last. */
export function spanVariants(features: ReadonlySet<KernelFeature>): readonly SpanVariant[] {
  return features.has("subgroups") ? [plain, subgroups] : [plain];
}

/** `row` and `share`: the part of invocation `i`, one of `lanes` neighbours, in the products of row i / lanes. */
function shareWgsl({ keyUnits }: AttentionShape, together: number, lanes: number): string {
  const products = [0, 1, 2, 3].map((g) => (g < together ? `dot(key, query[${g * keyUnits}u + u])` : "0f"));
  return `let row = rows[i / ${lanes}u];
      var share = vec4<f32>(0f);
      if (row != ${NO_ROW}) {
        let base = key_base(row, kv_head);
        for (var u = i % ${lanes}u; u < ${keyUnits}u; u += ${lanes}u) {
          let key = load_key(base, u);
          share += vec4<f32>(${products.join(", ")});
        }
      }`;
}
