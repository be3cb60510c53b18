/** Operators that move, cut, join and fold. */
import type { Infer, InferContext } from "./context.js";
import { axisOf, type Dim, productOf, typeOf } from "./type.js";

/** The result of a function of the first operand's shape, with its dtype. */
function reshaped(
  shapeOf: (shape: readonly Dim[], context: InferContext) => readonly Dim[] | undefined,
): Infer {
  return (context) => {
    const shape = context.shape(0);
    return [typeOf(context.dtype(0), shape && shapeOf(shape, context))];
  };
}

export const reduce = reshaped((shape, context) => {
  const axes = context.has(1) ? context.numbers(1) : (context.ints("axes") ?? shape.map((_, i) => i));
  if (!axes) return undefined;
  const reduced = new Set(axes.map((axis) => axisOf(axis, shape.length)));
  if (context.int("keepdims", 1) !== 0) return shape.map((dim, i) => (reduced.has(i) ? 1 : dim));
  return shape.filter((_, i) => !reduced.has(i));
});

export const concat = reshaped((shape, context) => {
  const shapes = context.node.inputs.map((_, i) => context.shape(i));
  const axis = axisOf(context.int("axis", 0), shape.length);
  const sizes = shapes.map((other) => other?.[axis]);
  return shape.map((dim, i) => {
    if (i === axis) return sum(sizes);
    return shapes.map((other) => other?.[i]).find((size) => typeof size === "number") ?? dim;
  });
});

function sum(sizes: readonly Dim[]): Dim {
  let total = 0;
  for (const size of sizes) {
    if (typeof size !== "number") return undefined;
    total += size;
  }
  return total;
}

export const slice = reshaped((shape, context) => {
  const [starts, ends] = [context.numbers(1), context.numbers(2)];
  if (!starts || !ends) return shape.map(() => undefined);
  const axes = context.has(3) ? context.numbers(3) : starts.map((_, i) => i);
  const steps = context.has(4) ? context.numbers(4) : starts.map(() => 1);
  if (!axes || !steps) return shape.map(() => undefined);
  const result = [...shape];
  axes.forEach((axis, i) => {
    const at = axisOf(axis, shape.length);
    const size = shape[at];
    result[at] = typeof size === "number" ? sliceSize(size, starts[i]!, ends[i]!, steps[i]!) : undefined;
  });
  return result;
});

function sliceSize(size: number, start: number, end: number, step: number): number {
  const bound = (value: number, low: number, high: number) =>
    Math.min(Math.max(value < 0 ? value + size : value, low), high);
  const length =
    step > 0
      ? bound(end, 0, size) - bound(start, 0, size)
      : bound(end, -1, size - 1) - bound(start, -1, size - 1);
  return Math.max(0, Math.ceil(length / step));
}

export const split: Infer = (context) => {
  const shape = context.shape(0);
  if (!shape) return undefined;
  const axis = axisOf(context.int("axis", 0), shape.length);
  const count = context.node.outputs.length;
  const whole = shape[axis];
  const equal = typeof whole === "number" ? Math.ceil(whole / count) : undefined;
  const sizes = context.has(1) ? context.numbers(1) : context.ints("split");
  const sizeOf = (i: number): Dim => {
    if (sizes) return sizes[i];
    if (equal === undefined || typeof whole !== "number") return undefined;
    return Math.min(equal, whole - i * equal);
  };
  return context.node.outputs.map((_, i) =>
    typeOf(
      context.dtype(0),
      shape.map((dim, d) => (d === axis ? sizeOf(i) : dim)),
    ),
  );
};

export const gather = reshaped((shape, context) => {
  const indices = context.shape(1);
  const axis = axisOf(context.int("axis", 0), shape.length);
  return indices && [...shape.slice(0, axis), ...indices, ...shape.slice(axis + 1)];
});

export const reshape = reshaped((shape, context) => {
  const wanted = context.numbers(1);
  if (!wanted) return undefined;
  const copies = context.int("allowzero", 0) === 0;
  const sizes: Dim[] = wanted.map((size, i) => (size === 0 && copies ? shape[i] : size));
  const open = sizes.indexOf(-1);
  if (open < 0) return sizes;
  const [total, known] = [productOf(shape), productOf(sizes.filter((_, i) => i !== open))];
  sizes[open] = total === undefined || !known ? onlyDynamic(shape, sizes, open) : total / known;
  return sizes;
});

/** -1 stands for the one dynamic dimension where all other sizes multiply to the same. */
function onlyDynamic(shape: readonly Dim[], sizes: readonly Dim[], open: number): Dim {
  const dynamic = shape.filter((dim) => typeof dim !== "number");
  const rest = productOf(shape.filter((dim) => typeof dim === "number"));
  const others = productOf(sizes.filter((_, i) => i !== open));
  return dynamic.length === 1 && rest !== undefined && rest === others ? dynamic[0] : undefined;
}

export const transpose = reshaped((shape, context) => {
  const order = context.ints("perm") ?? shape.map((_, i) => shape.length - 1 - i);
  return order.map((axis) => shape[axis]);
});

export const squeeze = reshaped((shape, context) => {
  const axes = context.axes(1);
  if (!axes && context.has(1)) return undefined;
  const gone = new Set(axes?.map((axis) => axisOf(axis, shape.length)));
  return shape.filter((dim, i) => (axes ? !gone.has(i) : dim !== 1));
});

export const unsqueeze = reshaped((shape, context) => {
  const axes = context.axes(1);
  if (!axes) return undefined;
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => axisOf(axis, rank)));
  const rest = [...shape];
  return Array.from({ length: rank }, (_, i) => (added.has(i) ? 1 : rest.shift()));
});

export const flatten = reshaped((shape, context) => {
  const axis = axisOf(context.int("axis", 1), shape.length);
  return [productOf(shape.slice(0, axis)), productOf(shape.slice(axis))];
});

export const pad = reshaped((shape, context) => {
  const pads = context.numbers(1) ?? context.ints("pads");
  if (!pads || context.has(3)) return shape.map(() => undefined);
  return shape.map((dim, i) =>
    typeof dim === "number" ? dim + (pads[i] ?? 0) + (pads[i + shape.length] ?? 0) : undefined,
  );
});
