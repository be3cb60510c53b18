/**
 * Where the KV cache keeps its rows. A state is a table of block addresses (words of 16-byte units); a block holds 32
 * rows: their positions i32[32], then per layer and KV head the keys transposed, f32[headDim][32], and the values,
 * f32[32][valueDim rounded up to 4]. Sums over a head or over rows then need no horizontal additions.
 */
import { address } from "./address";
import { KvBlock } from "./opcodes";

/** The table of block addresses of the state of this call. */
@inline
export function blockAddresses(step: usize, operand: i32): usize {
  return <usize>load<u32>(address(step, operand)) << 4;
}

@inline
export function blockAt(table: usize, block: i32): usize {
  return <usize>load<u32>(table + (<usize>block << 2)) << 4;
}

@inline
export function paddedValueDim(valueDim: i32): i32 {
  return (valueDim + 3) & ~3;
}

@inline
export function keyBytes(headDim: i32): usize {
  return <usize>headDim << 7;
}

/** Bytes of keys and values of one head of one layer in a block. */
@inline
export function headBytes(headDim: i32, valueDim: i32): usize {
  return <usize>(headDim + paddedValueDim(valueDim)) * (KvBlock.Rows << 2);
}
