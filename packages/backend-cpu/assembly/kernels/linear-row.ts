/**
 * Chooses the code of a one-row product for a type and a dot mode. Every choice is a function of its own: compilation
 * stays fast, and V8 keeps what a loop needs in registers, which it does not in one large function. Codes of at most
 * 6 bits fit the relaxed dot's second operand, whose 32-bit sums are then exact on every processor; levels and q8_0 need
 * all 8 bits.
 */
import { Dot } from "../dot";
import { PackedType } from "../opcodes";
import { byteRow } from "./linear-byte";
import { nibbleRow } from "./linear-nibble";
import { planesRow } from "./linear-planes";

function rowQ4_0Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Madd, false, w, x, blocks, y);
}

function rowQ4_0Sixteen(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Sixteen, false, w, x, blocks, y);
}

function rowQ4_0Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Signed, false, w, x, blocks, y);
}

function rowQ4_1Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Madd, true, w, x, blocks, y);
}

function rowQ4_1Sixteen(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Sixteen, true, w, x, blocks, y);
}

function rowQ4_1Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  nibbleRow(Dot.Signed, true, w, x, blocks, y);
}

function rowQ8_0Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  byteRow(Dot.Madd, w, x, blocks, y);
}

function rowQ8_0Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  byteRow(Dot.Signed, w, x, blocks, y);
}

function rowQ8_0Unsigned(w: usize, x: usize, blocks: i32, y: usize): void {
  byteRow(Dot.Unsigned, w, x, blocks, y);
}

function rowQ4_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q4_K, w, x, blocks, y);
}

function rowQ4_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q4_K, w, x, blocks, y);
}

function rowQ5_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q5_K, w, x, blocks, y);
}

function rowQ5_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q5_K, w, x, blocks, y);
}

function rowQ6_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q6_K, w, x, blocks, y);
}

function rowQ6_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q6_K, w, x, blocks, y);
}

function rowQ5_0Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q5_0, w, x, blocks, y);
}

function rowQ5_0Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q5_0, w, x, blocks, y);
}

function rowQ5_1Madd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q5_1, w, x, blocks, y);
}

function rowQ5_1Signed(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q5_1, w, x, blocks, y);
}

function rowIQ4_NLMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.IQ4_NL, w, x, blocks, y);
}

function rowIQ4_NLSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.IQ4_NL, w, x, blocks, y);
}

function rowIQ4_NLUnsigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Unsigned, PackedType.IQ4_NL, w, x, blocks, y);
}

function rowIQ4_XSMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.IQ4_XS, w, x, blocks, y);
}

function rowIQ4_XSSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.IQ4_XS, w, x, blocks, y);
}

function rowIQ4_XSUnsigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Unsigned, PackedType.IQ4_XS, w, x, blocks, y);
}

function rowQ3_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q3_K, w, x, blocks, y);
}

function rowQ3_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q3_K, w, x, blocks, y);
}

function rowQ2_KMadd(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Madd, PackedType.Q2_K, w, x, blocks, y);
}

function rowQ2_KSigned(w: usize, x: usize, blocks: i32, y: usize): void {
  planesRow(Dot.Signed, PackedType.Q2_K, w, x, blocks, y);
}

export function linearRow(mode: Dot, type: PackedType, w: usize, x: usize, blocks: i32, y: usize): void {
  if (type == PackedType.Q4_0) {
    if (mode == Dot.Madd) rowQ4_0Madd(w, x, blocks, y);
    else if (mode == Dot.Sixteen) rowQ4_0Sixteen(w, x, blocks, y);
    else rowQ4_0Signed(w, x, blocks, y);
  } else if (type == PackedType.Q4_1) {
    if (mode == Dot.Madd) rowQ4_1Madd(w, x, blocks, y);
    else if (mode == Dot.Sixteen) rowQ4_1Sixteen(w, x, blocks, y);
    else rowQ4_1Signed(w, x, blocks, y);
  } else if (type == PackedType.Q8_0) {
    if (mode == Dot.Signed) rowQ8_0Signed(w, x, blocks, y);
    else if (mode == Dot.Unsigned) rowQ8_0Unsigned(w, x, blocks, y);
    else rowQ8_0Madd(w, x, blocks, y);
  } else if (type == PackedType.Q4_K) {
    if (mode == Dot.Madd) rowQ4_KMadd(w, x, blocks, y);
    else rowQ4_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q5_K) {
    if (mode == Dot.Madd) rowQ5_KMadd(w, x, blocks, y);
    else rowQ5_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q6_K) {
    if (mode == Dot.Madd) rowQ6_KMadd(w, x, blocks, y);
    else rowQ6_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q5_0) {
    if (mode == Dot.Madd) rowQ5_0Madd(w, x, blocks, y);
    else rowQ5_0Signed(w, x, blocks, y);
  } else if (type == PackedType.Q5_1) {
    if (mode == Dot.Madd) rowQ5_1Madd(w, x, blocks, y);
    else rowQ5_1Signed(w, x, blocks, y);
  } else if (type == PackedType.IQ4_NL) {
    if (mode == Dot.Signed) rowIQ4_NLSigned(w, x, blocks, y);
    else if (mode == Dot.Unsigned) rowIQ4_NLUnsigned(w, x, blocks, y);
    else rowIQ4_NLMadd(w, x, blocks, y);
  } else if (type == PackedType.IQ4_XS) {
    if (mode == Dot.Signed) rowIQ4_XSSigned(w, x, blocks, y);
    else if (mode == Dot.Unsigned) rowIQ4_XSUnsigned(w, x, blocks, y);
    else rowIQ4_XSMadd(w, x, blocks, y);
  } else if (type == PackedType.Q3_K) {
    if (mode == Dot.Madd) rowQ3_KMadd(w, x, blocks, y);
    else rowQ3_KSigned(w, x, blocks, y);
  } else if (type == PackedType.Q2_K) {
    if (mode == Dot.Madd) rowQ2_KMadd(w, x, blocks, y);
    else rowQ2_KSigned(w, x, blocks, y);
  } else {
    unreachable();
  }
}
