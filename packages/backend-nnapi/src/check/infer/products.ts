/** Matrix products and attention. */
import type { Infer } from "./context.js";
import { broadcast, type Dim, typeOf } from "./type.js";

function productShape(
  a: readonly Dim[] | undefined,
  b: readonly Dim[] | undefined,
): readonly Dim[] | undefined {
  if (!a || !b || a.length < 2 || b.length < 2) return undefined;
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2));
  return batch && [...batch, a.at(-2), b.at(-1)];
}

export const matMul: Infer = (context) => [
  typeOf(context.dtype(0), productShape(context.shape(0), context.shape(1))),
];

export const quantizedMatMul: Infer = (context) => [
  typeOf(context.dtype(7), productShape(context.shape(0), context.shape(3))),
];

export const gemm: Infer = (context) => {
  const [a, b] = [context.shape(0), context.shape(1)];
  if (a?.length !== 2 || b?.length !== 2) return undefined;
  const rows = a[context.int("transA", 0) === 0 ? 0 : 1];
  const columns = b[context.int("transB", 0) === 0 ? 1 : 0];
  return [typeOf(context.dtype(0), [rows, columns])];
};

export const matMulNBits: Infer = (context) => {
  const rows = context.shape(0)?.slice(0, -1);
  return [typeOf(context.dtype(0), rows && [...rows, context.int("N", 0)])];
};

/** com.microsoft.GroupQueryAttention with separate q, k and v; the cache keeps its shape where past and present are one. */
export const groupQueryAttention: Infer = (context) =>
  [0, 3, 4].map((index) => typeOf(context.dtype(index), context.shape(index)));
