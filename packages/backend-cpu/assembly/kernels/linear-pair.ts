/**
 * Products of two rows of quantized activations: the decode step of two sequences, or of one whose rows are taken as two
 * each (src/lower/activations.ts). The types whose weights take longest to unpack in proportion share that; for the rest,
 * one row follows the other. Every choice is a function of its own; see linear-row.ts.
 */
import { Activations } from "../activations";
import { Dot } from "../dot";
import { PackedType } from "../opcodes";
import { bytePair } from "./linear-byte";
import { nibblePair } from "./linear-nibble";
import { linearRow } from "./linear-row";

function pairQ4_0Sixteen(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  nibblePair(Dot.Sixteen, false, w, x, blocks, y, yStride);
}

function pairQ4_0Signed(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  nibblePair(Dot.Signed, false, w, x, blocks, y, yStride);
}

function pairQ4_1Sixteen(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  nibblePair(Dot.Sixteen, true, w, x, blocks, y, yStride);
}

function pairQ4_1Signed(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  nibblePair(Dot.Signed, true, w, x, blocks, y, yStride);
}

function pairQ8_0Signed(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  bytePair(Dot.Signed, w, x, blocks, y, yStride);
}

function pairQ8_0Unsigned(w: usize, x: usize, blocks: i32, y: usize, yStride: usize): void {
  bytePair(Dot.Unsigned, w, x, blocks, y, yStride);
}

/** @param x the first row's activations; the second row's follow */
export function linearPair(
  mode: Dot,
  type: PackedType,
  w: usize,
  x: usize,
  blocks: i32,
  y: usize,
  yStride: usize,
): void {
  if (type == PackedType.Q4_0 && mode == Dot.Sixteen) pairQ4_0Sixteen(w, x, blocks, y, yStride);
  else if (type == PackedType.Q4_0 && mode >= Dot.Signed) pairQ4_0Signed(w, x, blocks, y, yStride);
  else if (type == PackedType.Q4_1 && mode == Dot.Sixteen) pairQ4_1Sixteen(w, x, blocks, y, yStride);
  else if (type == PackedType.Q4_1 && mode >= Dot.Signed) pairQ4_1Signed(w, x, blocks, y, yStride);
  else if (type == PackedType.Q8_0 && mode == Dot.Signed) pairQ8_0Signed(w, x, blocks, y, yStride);
  else if (type == PackedType.Q8_0 && mode == Dot.Unsigned) pairQ8_0Unsigned(w, x, blocks, y, yStride);
  else {
    linearRow(mode, type, w, x, blocks, y);
    linearRow(mode, type, w, x + <usize>blocks * Activations.BlockBytes, blocks, y + yStride);
  }
}
