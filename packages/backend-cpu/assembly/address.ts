/** Reading the words of a step. An address word counts 16-byte units, so that a 64-bit engine reads it too. */

@inline
export function word(step: usize, operand: i32): i32 {
  return load<i32>(step + (<usize>operand << 2));
}

@inline
export function address(step: usize, operand: i32): usize {
  return <usize>load<u32>(step + (<usize>operand << 2)) << 4;
}

/** The i32 that a count operand points to. */
@inline
export function count(step: usize, operand: i32): i32 {
  return load<i32>(address(step, operand));
}

@inline
export function real(step: usize, operand: i32): f32 {
  return load<f32>(step + (<usize>operand << 2));
}
