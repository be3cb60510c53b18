/** Sums over a group of columns in f64: element i goes to sum i % 4, what is left at the end to the total. */

export function sumOf(x: usize, width: i32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const vectors = width >> 2;
  for (let i = 0; i < vectors; i++) {
    const v = v128.load(x);
    low = f64x2.add(low, f64x2.promote_low_f32x4(v));
    high = f64x2.add(high, f64x2.promote_low_f32x4(upperHalf(v)));
    x += 16;
  }
  let sum = total(low, high);
  for (let i = vectors << 2; i < width; i++) {
    sum += <f64>load<f32>(x);
    x += 4;
  }
  return sum;
}

/** The sum of (x - from)^2. */
export function sumOfSquares(x: usize, from: f64, width: i32): f64 {
  const mean = f64x2.splat(from);
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  const vectors = width >> 2;
  for (let i = 0; i < vectors; i++) {
    const v = v128.load(x);
    const a = f64x2.sub(f64x2.promote_low_f32x4(v), mean);
    const b = f64x2.sub(f64x2.promote_low_f32x4(upperHalf(v)), mean);
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
    x += 16;
  }
  let sum = total(low, high);
  for (let i = vectors << 2; i < width; i++) {
    const v = <f64>load<f32>(x) - from;
    sum += v * v;
    x += 4;
  }
  return sum;
}

@inline
function upperHalf(v: v128): v128 {
  return v128.shuffle<i64>(v, v, 1, 0);
}

@inline
function total(low: v128, high: v128): f64 {
  return (
    f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1) + (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1))
  );
}
