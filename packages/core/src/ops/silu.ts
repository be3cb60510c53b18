/** silu: x * sigmoid(x), also called swish (Elfwing et al. 2017, arXiv 1702.03118). f32[T, N]. */
import { unary } from "./elementwise.js";

export const silu = unary("silu", (x) => x / (1 + Math.exp(-x)));
