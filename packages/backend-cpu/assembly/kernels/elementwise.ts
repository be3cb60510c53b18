/**
 * add, mul, the activations and their gated forms, soft_cap, scale: element by element on rows of f32, shared by groups of
 * 8 features like the columns that `linear` writes, so that no thread waits for another between them. Columns up to the
 * next multiple of 8 are computed too; every row has room for them.
 */
import { address, count, real, word } from "../address";
import { Constant, constant } from "../constants";
import { ElementwiseOperand as Operand, Opcode } from "../opcodes";
import { shareEnd, shareStart } from "../partition";
import { exp4 } from "./exp";
import { gelu4, geluTanh4 } from "./gelu";
import { tanh4 } from "./tanh";

export function elementwise(opcode: Opcode, step: usize, thread: i32, threads: i32): void {
  const groups = (word(step, Operand.Width) + 7) >> 3;
  const start = shareStart(groups, thread, threads) << 5;
  const end = shareEnd(groups, thread, threads) << 5;
  const rows = count(step, Operand.Count);
  const value = real(step, Operand.Value);
  const aStride = address(step, Operand.AStride);
  const bStride = address(step, Operand.BStride);
  const yStride = address(step, Operand.YStride);
  let a = address(step, Operand.A);
  let b = address(step, Operand.B);
  let y = address(step, Operand.Y);
  for (let row = 0; row < rows; row++) {
    if (opcode == Opcode.Add) add(a, b, y, start, end);
    else if (opcode == Opcode.Mul) mul(a, b, y, start, end);
    else if (opcode == Opcode.Silu) silu(a, y, start, end);
    else if (opcode == Opcode.SwiGlu) swiglu(a, b, y, start, end);
    else if (opcode == Opcode.Gelu) gelu(a, y, start, end);
    else if (opcode == Opcode.GeluTanh) geluTanh(a, y, start, end);
    else if (opcode == Opcode.GeGlu) geglu(a, b, y, start, end);
    else if (opcode == Opcode.GeGluTanh) gegluTanh(a, b, y, start, end);
    else if (opcode == Opcode.SoftCap) softCap(a, y, value, start, end);
    else scale(a, y, value, start, end);
    a += aStride;
    b += bStride;
    y += yStride;
  }
}

function add(a: usize, b: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) v128.store(y + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
}

function mul(a: usize, b: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) v128.store(y + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
}

function silu(a: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) v128.store(y + i, silu4(v128.load(a + i)));
}

function swiglu(gate: usize, up: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) {
    v128.store(y + i, f32x4.mul(silu4(v128.load(gate + i)), v128.load(up + i)));
  }
}

function gelu(a: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) v128.store(y + i, gelu4(v128.load(a + i)));
}

function geluTanh(a: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) v128.store(y + i, geluTanh4(v128.load(a + i)));
}

function geglu(gate: usize, up: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) {
    v128.store(y + i, f32x4.mul(gelu4(v128.load(gate + i)), v128.load(up + i)));
  }
}

function gegluTanh(gate: usize, up: usize, y: usize, start: usize, end: usize): void {
  for (let i = start; i < end; i += 16) {
    v128.store(y + i, f32x4.mul(geluTanh4(v128.load(gate + i)), v128.load(up + i)));
  }
}

function softCap(a: usize, y: usize, value: f32, start: usize, end: usize): void {
  const cap = f32x4.splat(value);
  for (let i = start; i < end; i += 16) {
    v128.store(y + i, f32x4.mul(cap, tanh4(f32x4.div(v128.load(a + i), cap))));
  }
}

function scale(a: usize, y: usize, value: f32, start: usize, end: usize): void {
  const factor = f32x4.splat(value);
  for (let i = start; i < end; i += 16) v128.store(y + i, f32x4.mul(v128.load(a + i), factor));
}

/** x / (1 + e^-x) */
@inline
function silu4(x: v128): v128 {
  return f32x4.div(x, f32x4.add(constant(Constant.One), exp4(f32x4.neg(x))));
}
