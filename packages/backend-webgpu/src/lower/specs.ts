/**
 * What the lowering asks of kernels: fused operations on matrices in scratch slots. Each kind has one function in
 * kernels/<op> that turns it into dispatches. Word offsets are those of 32-bit words in the `call` buffer.
 */
import type { KvPlan } from "@millet/core/backend";
import type { AttentionAttrs } from "@millet/core/ops";
import type { Unary } from "../kernels/unary.js";
import type { PlacedWeight } from "../weights/placed-weight.js";
import type { Matrix } from "./matrix.js";

/** y = f(g(x) W^T + bias), for one or several weights that share x; their columns lie side by side in y. */
export interface LinearSpec {
  readonly label: string;
  /** [rows, K]; with `gather` [tokens, K] */
  readonly x: Matrix;
  /** Row r of the result takes row call[gather + r] of x. */
  readonly gather?: number | undefined;
  /** g is RMSNorm by this vector, f32[K]; without it the identity. */
  readonly norm?: { readonly weight: PlacedWeight; readonly epsilon: number } | undefined;
  readonly parts: readonly { readonly weight: PlacedWeight; readonly bias?: PlacedWeight | undefined }[];
  /**
   * f, where h are the functions `after`: "none": y = h(product); "gated": two parts of equal size, y = h(first) * second;
   * "residual": y = residual + h(product), where residual may be y itself.
   */
  readonly finish: "none" | "gated" | "residual";
  /** Done to the first part's products, one after the other. */
  readonly after: readonly Unary[];
  readonly residual?: Matrix | undefined;
  /** [rows, sum of N], for "gated" [rows, N] */
  readonly y: Matrix;
}

/** RoPE on q and k, K and V into the cache, attention over it. */
export interface AttentionSpec {
  readonly label: string;
  /** [tokens, heads * headDim], [tokens, kvHeads * headDim], [tokens, kvHeads * valueDim]; often columns of one matrix. */
  readonly q: Matrix;
  readonly k: Matrix;
  readonly v: Matrix;
  /** [tokens, heads * valueDim] */
  readonly y: Matrix;
  readonly attrs: AttentionAttrs;
  /** Words of the table of rotations, per token cos[pairs] then sin[pairs] as f32 bits, magnitude included. */
  readonly rotation?: { readonly words: number; readonly pairs: number } | undefined;
  /** Words of these inputs. */
  readonly positions: number;
  readonly sequences: number;
  readonly writeRows: number;
  /** i32[S, columns] */
  readonly blockTable: number;
  readonly blockColumns: number;
  readonly lengths: number;
  readonly kv: KvPlan;
}

/** Offered to functions that lower specs. */
export interface Workspace {
  /** Word of the call buffer that holds the active rows of an axis: 0 for tokens, 1 for logits. */
  countWord(axis: "tokens" | "logits"): number;
  /** A slot for the dispatches of this spec alone. */
  temporary(byteLength: number): number;
}
