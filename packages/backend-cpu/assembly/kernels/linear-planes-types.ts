/**
 * Chooses the code of planesTile1 and planesTile4 (linear-planes.ts) for a type and a dot mode; every choice is a function
 * of its own, which keeps compilation fast. Codes of at most 6 bits fit the relaxed dot's second operand, whose 32-bit
 * sums are then exact on every processor; levels need all 8 bits.
 */
import { Dot } from "../dot";
import { PackedType } from "../opcodes";
import { planesTile1, planesTile4 } from "./linear-planes";

function tile1Q4_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q4_K, w, x, blocks, y);
}

function tile1Q4_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q4_K, w, x, blocks, y);
}

function tile1Q5_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q5_K, w, x, blocks, y);
}

function tile1Q5_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q5_K, w, x, blocks, y);
}

function tile1Q6_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q6_K, w, x, blocks, y);
}

function tile1Q6_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q6_K, w, x, blocks, y);
}

function tile1Q5_0Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q5_0, w, x, blocks, y);
}

function tile1Q5_0Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q5_0, w, x, blocks, y);
}

function tile1Q5_1Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q5_1, w, x, blocks, y);
}

function tile1Q5_1Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q5_1, w, x, blocks, y);
}

function tile1IQ4_NLMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.IQ4_NL, w, x, blocks, y);
}

function tile1IQ4_NLSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.IQ4_NL, w, x, blocks, y);
}

function tile1IQ4_NLUnsigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Unsigned, PackedType.IQ4_NL, w, x, blocks, y);
}

function tile1IQ4_XSMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.IQ4_XS, w, x, blocks, y);
}

function tile1IQ4_XSSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.IQ4_XS, w, x, blocks, y);
}

function tile1IQ4_XSUnsigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Unsigned, PackedType.IQ4_XS, w, x, blocks, y);
}

function tile1Q3_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q3_K, w, x, blocks, y);
}

function tile1Q3_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q3_K, w, x, blocks, y);
}

function tile1Q2_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Madd, PackedType.Q2_K, w, x, blocks, y);
}

function tile1Q2_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesTile1(Dot.Signed, PackedType.Q2_K, w, x, blocks, y);
}

function tile4Q4_KMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q4_K, w, x, blocks, y, yStride);
}

function tile4Q4_KSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q4_K, w, x, blocks, y, yStride);
}

function tile4Q5_KMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q5_K, w, x, blocks, y, yStride);
}

function tile4Q5_KSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q5_K, w, x, blocks, y, yStride);
}

function tile4Q6_KMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q6_K, w, x, blocks, y, yStride);
}

function tile4Q6_KSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q6_K, w, x, blocks, y, yStride);
}

function tile4Q5_0Madd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q5_0, w, x, blocks, y, yStride);
}

function tile4Q5_0Signed(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q5_0, w, x, blocks, y, yStride);
}

function tile4Q5_1Madd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q5_1, w, x, blocks, y, yStride);
}

function tile4Q5_1Signed(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q5_1, w, x, blocks, y, yStride);
}

function tile4IQ4_NLMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.IQ4_NL, w, x, blocks, y, yStride);
}

function tile4IQ4_NLSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.IQ4_NL, w, x, blocks, y, yStride);
}

function tile4IQ4_NLUnsigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Unsigned, PackedType.IQ4_NL, w, x, blocks, y, yStride);
}

function tile4IQ4_XSMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.IQ4_XS, w, x, blocks, y, yStride);
}

function tile4IQ4_XSSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.IQ4_XS, w, x, blocks, y, yStride);
}

function tile4IQ4_XSUnsigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Unsigned, PackedType.IQ4_XS, w, x, blocks, y, yStride);
}

function tile4Q3_KMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q3_K, w, x, blocks, y, yStride);
}

function tile4Q3_KSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q3_K, w, x, blocks, y, yStride);
}

function tile4Q2_KMadd(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Madd, PackedType.Q2_K, w, x, blocks, y, yStride);
}

function tile4Q2_KSigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  planesTile4(Dot.Signed, PackedType.Q2_K, w, x, blocks, y, yStride);
}

export function planesRow(mode: Dot, type: PackedType, w: usize, x: usize, blocks: i32, y: usize): void {
  if (type == PackedType.Q4_K) {
    if (mode == Dot.Madd) tile1Q4_KMadd(w, x, blocks, y);
    else tile1Q4_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q5_K) {
    if (mode == Dot.Madd) tile1Q5_KMadd(w, x, blocks, y);
    else tile1Q5_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q6_K) {
    if (mode == Dot.Madd) tile1Q6_KMadd(w, x, blocks, y);
    else tile1Q6_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q5_0) {
    if (mode == Dot.Madd) tile1Q5_0Madd(w, x, blocks, y);
    else tile1Q5_0Signed(w, x, blocks, y);
  } else if (type == PackedType.Q5_1) {
    if (mode == Dot.Madd) tile1Q5_1Madd(w, x, blocks, y);
    else tile1Q5_1Signed(w, x, blocks, y);
  } else if (type == PackedType.IQ4_NL) {
    if (mode == Dot.Signed) tile1IQ4_NLSigned(w, x, blocks, y);
    else if (mode == Dot.Unsigned) tile1IQ4_NLUnsigned(w, x, blocks, y);
    else tile1IQ4_NLMadd(w, x, blocks, y);
  } else if (type == PackedType.IQ4_XS) {
    if (mode == Dot.Signed) tile1IQ4_XSSigned(w, x, blocks, y);
    else if (mode == Dot.Unsigned) tile1IQ4_XSUnsigned(w, x, blocks, y);
    else tile1IQ4_XSMadd(w, x, blocks, y);
  } else if (type == PackedType.Q3_K) {
    if (mode == Dot.Madd) tile1Q3_KMadd(w, x, blocks, y);
    else tile1Q3_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q2_K) {
    if (mode == Dot.Madd) tile1Q2_KMadd(w, x, blocks, y);
    else tile1Q2_KSigned(w, x, blocks, y);
  } else {
    unreachable();
  }
}

export function planesRows(
  mode: Dot,
  type: PackedType,
  w: usize,
  x: usize,
  blocks: i32,
  y: usize,
  yStride: usize,
): void {
  if (type == PackedType.Q4_K) {
    if (mode == Dot.Madd) tile4Q4_KMadd(w, x, blocks, y, yStride);
    else tile4Q4_KSigned(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q5_K) {
    if (mode == Dot.Madd) tile4Q5_KMadd(w, x, blocks, y, yStride);
    else tile4Q5_KSigned(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q6_K) {
    if (mode == Dot.Madd) tile4Q6_KMadd(w, x, blocks, y, yStride);
    else tile4Q6_KSigned(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q5_0) {
    if (mode == Dot.Madd) tile4Q5_0Madd(w, x, blocks, y, yStride);
    else tile4Q5_0Signed(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q5_1) {
    if (mode == Dot.Madd) tile4Q5_1Madd(w, x, blocks, y, yStride);
    else tile4Q5_1Signed(w, x, blocks, y, yStride);
  } else if (type == PackedType.IQ4_NL) {
    if (mode == Dot.Signed) tile4IQ4_NLSigned(w, x, blocks, y, yStride);
    else if (mode == Dot.Unsigned) tile4IQ4_NLUnsigned(w, x, blocks, y, yStride);
    else tile4IQ4_NLMadd(w, x, blocks, y, yStride);
  } else if (type == PackedType.IQ4_XS) {
    if (mode == Dot.Signed) tile4IQ4_XSSigned(w, x, blocks, y, yStride);
    else if (mode == Dot.Unsigned) tile4IQ4_XSUnsigned(w, x, blocks, y, yStride);
    else tile4IQ4_XSMadd(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q3_K) {
    if (mode == Dot.Madd) tile4Q3_KMadd(w, x, blocks, y, yStride);
    else tile4Q3_KSigned(w, x, blocks, y, yStride);
  } else if (type == PackedType.Q2_K) {
    if (mode == Dot.Madd) tile4Q2_KMadd(w, x, blocks, y, yStride);
    else tile4Q2_KSigned(w, x, blocks, y, yStride);
  } else {
    unreachable();
  }
}
