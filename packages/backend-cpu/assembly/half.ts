/** One f16 as f32, subnormals included; infinities come out as 65536 and up, as in the vector forms of constants.ts. */
@inline
export function half(address: usize): f32 {
  const bits = <u32>load<u16>(address);
  return reinterpret<f32>(((bits & 0x8000) << 16) | ((bits & 0x7fff) << 13)) * <f32>5.192296858534828e33;
}
