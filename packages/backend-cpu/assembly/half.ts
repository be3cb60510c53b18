/** One f16 from and to f32. The vector forms are in constants.ts and kernels/attention-half.ts. */

/** An f16 as f32, subnormals included; infinities come out as 65536 and up, as in the vector forms of constants.ts. */
@inline
export function half(address: usize): f32 {
  const bits = <u32>load<u16>(address);
  return reinterpret<f32>(((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13)) * <f32>5.192296858534828e33;
}

/** The nearest f16, ties to even; magnitudes above 65504, and NaN, become 65504. */
export function toHalf(x: f32): u16 {
  const below = x < 65504 ? x : <f32>65504;
  const word = reinterpret<u32>(below > -65504 ? below : <f32>-65504);
  const sign = (word >> 16) & 0x8000;
  const magnitude = word & 0x7fffffff;
  // Adding 0.5 leaves 24 bits after the point, which are those of a subnormal.
  if (magnitude < 0x38800000) {
    return <u16>(sign | (reinterpret<u32>(reinterpret<f32>(magnitude) + <f32>0.5) - 0x3f000000));
  }
  return <u16>(sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >> 13) & 1)) >> 13));
}
