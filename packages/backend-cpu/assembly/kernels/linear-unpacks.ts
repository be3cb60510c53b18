/** Chooses the code of linear-unpack.ts for a type and the mode of its tiles; see linear-row.ts. */
import { Dot } from "../dot";
import { PackedType } from "../opcodes";
import { unpackRange } from "./linear-unpack";

function unpackQ4_0Madd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q4_0, w, blocks, target);
}

function unpackQ4_0Signed(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q4_0, w, blocks, target);
}

function unpackQ4_1Madd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q4_1, w, blocks, target);
}

function unpackQ4_1Signed(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q4_1, w, blocks, target);
}

function unpackQ8_0Madd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q8_0, w, blocks, target);
}

function unpackQ8_0Signed(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q8_0, w, blocks, target);
}

function unpackQ8_0Unsigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Unsigned, PackedType.Q8_0, w, blocks, target);
}

function unpackQ4_KMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q4_K, w, blocks, target);
}

function unpackQ4_KSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q4_K, w, blocks, target);
}

function unpackQ5_KMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q5_K, w, blocks, target);
}

function unpackQ5_KSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q5_K, w, blocks, target);
}

function unpackQ6_KMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q6_K, w, blocks, target);
}

function unpackQ6_KSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q6_K, w, blocks, target);
}

function unpackQ5_0Madd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q5_0, w, blocks, target);
}

function unpackQ5_0Signed(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q5_0, w, blocks, target);
}

function unpackQ5_1Madd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q5_1, w, blocks, target);
}

function unpackQ5_1Signed(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q5_1, w, blocks, target);
}

function unpackIQ4_NLMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.IQ4_NL, w, blocks, target);
}

function unpackIQ4_NLSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.IQ4_NL, w, blocks, target);
}

function unpackIQ4_NLUnsigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Unsigned, PackedType.IQ4_NL, w, blocks, target);
}

function unpackIQ4_XSMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.IQ4_XS, w, blocks, target);
}

function unpackIQ4_XSSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.IQ4_XS, w, blocks, target);
}

function unpackIQ4_XSUnsigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Unsigned, PackedType.IQ4_XS, w, blocks, target);
}

function unpackQ3_KMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q3_K, w, blocks, target);
}

function unpackQ3_KSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q3_K, w, blocks, target);
}

function unpackQ2_KMadd(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Madd, PackedType.Q2_K, w, blocks, target);
}

function unpackQ2_KSigned(w: usize, blocks: i32, target: usize): void {
  unpackRange(Dot.Signed, PackedType.Q2_K, w, blocks, target);
}

/** Unpacks a range of blocks for `mode`, the one that `modeOf` gives. */
export function unpack(mode: Dot, type: PackedType, w: usize, blocks: i32, target: usize): void {
  if (type == PackedType.Q4_0) {
    if (mode == Dot.Madd) unpackQ4_0Madd(w, blocks, target);
    else unpackQ4_0Signed(w, blocks, target);
  } else if (type == PackedType.Q4_1) {
    if (mode == Dot.Madd) unpackQ4_1Madd(w, blocks, target);
    else unpackQ4_1Signed(w, blocks, target);
  } else if (type == PackedType.Q8_0) {
    if (mode == Dot.Madd) unpackQ8_0Madd(w, blocks, target);
    else if (mode == Dot.Unsigned) unpackQ8_0Unsigned(w, blocks, target);
    else unpackQ8_0Signed(w, blocks, target);
  } else if (type == PackedType.Q4_K) {
    if (mode == Dot.Madd) unpackQ4_KMadd(w, blocks, target);
    else unpackQ4_KSigned(w, blocks, target);
  } else if (type == PackedType.Q5_K) {
    if (mode == Dot.Madd) unpackQ5_KMadd(w, blocks, target);
    else unpackQ5_KSigned(w, blocks, target);
  } else if (type == PackedType.Q6_K) {
    if (mode == Dot.Madd) unpackQ6_KMadd(w, blocks, target);
    else unpackQ6_KSigned(w, blocks, target);
  } else if (type == PackedType.Q5_0) {
    if (mode == Dot.Madd) unpackQ5_0Madd(w, blocks, target);
    else unpackQ5_0Signed(w, blocks, target);
  } else if (type == PackedType.Q5_1) {
    if (mode == Dot.Madd) unpackQ5_1Madd(w, blocks, target);
    else unpackQ5_1Signed(w, blocks, target);
  } else if (type == PackedType.IQ4_NL) {
    if (mode == Dot.Madd) unpackIQ4_NLMadd(w, blocks, target);
    else if (mode == Dot.Unsigned) unpackIQ4_NLUnsigned(w, blocks, target);
    else unpackIQ4_NLSigned(w, blocks, target);
  } else if (type == PackedType.IQ4_XS) {
    if (mode == Dot.Madd) unpackIQ4_XSMadd(w, blocks, target);
    else if (mode == Dot.Unsigned) unpackIQ4_XSUnsigned(w, blocks, target);
    else unpackIQ4_XSSigned(w, blocks, target);
  } else if (type == PackedType.Q3_K) {
    if (mode == Dot.Madd) unpackQ3_KMadd(w, blocks, target);
    else unpackQ3_KSigned(w, blocks, target);
  } else if (type == PackedType.Q2_K) {
    if (mode == Dot.Madd) unpackQ2_KMadd(w, blocks, target);
    else unpackQ2_KSigned(w, blocks, target);
  } else {
    unreachable();
  }
}
