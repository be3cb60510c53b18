/** Chooses the code of linear-tile.ts and linear-tile-madd.ts; every choice is a function of its own, see linear-row.ts. */
import { Dot } from "../dot";
import { tile } from "./linear-tile";
import { tileMadd } from "./linear-tile-madd";
import { Kind } from "./unpacked";

function pairPlainSigned(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Plain, true, w, x, x2, blocks, c, work);
}

function singlePlainSigned(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Plain, false, w, x, x, blocks, c, work);
}

function pairPlainSixteen(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Sixteen, Kind.Plain, true, w, x, x2, blocks, c, work);
}

function singlePlainSixteen(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Sixteen, Kind.Plain, false, w, x, x, blocks, c, work);
}

function maddPlain(w: usize, x: usize, blocks: i32, c: usize): void {
  tileMadd(Kind.Plain, w, x, blocks, c);
}

function pairMinimumSigned(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Minimum, true, w, x, x2, blocks, c, work);
}

function singleMinimumSigned(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Minimum, false, w, x, x, blocks, c, work);
}

function pairMinimumSixteen(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Sixteen, Kind.Minimum, true, w, x, x2, blocks, c, work);
}

function singleMinimumSixteen(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Sixteen, Kind.Minimum, false, w, x, x, blocks, c, work);
}

function maddMinimum(w: usize, x: usize, blocks: i32, c: usize): void {
  tileMadd(Kind.Minimum, w, x, blocks, c);
}

function pairHalvesSigned(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Halves, true, w, x, x2, blocks, c, work);
}

function singleHalvesSigned(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.Halves, false, w, x, x, blocks, c, work);
}

function maddHalves(w: usize, x: usize, blocks: i32, c: usize): void {
  tileMadd(Kind.Halves, w, x, blocks, c);
}

function pairHalvesMinimumSigned(w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.HalvesMinimum, true, w, x, x2, blocks, c, work);
}

function singleHalvesMinimumSigned(w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  tile(Dot.Signed, Kind.HalvesMinimum, false, w, x, x, blocks, c, work);
}

function maddHalvesMinimum(w: usize, x: usize, blocks: i32, c: usize): void {
  tileMadd(Kind.HalvesMinimum, w, x, blocks, c);
}

/** See `tile`. */
export function pairTile(mode: Dot, kind: Kind, w: usize, x: usize, x2: usize, blocks: i32, c: usize, work: usize): void {
  if (kind == Kind.Plain) {
    if (mode == Dot.Sixteen) pairPlainSixteen(w, x, x2, blocks, c, work);
    else pairPlainSigned(w, x, x2, blocks, c, work);
  } else if (kind == Kind.Minimum) {
    if (mode == Dot.Sixteen) pairMinimumSixteen(w, x, x2, blocks, c, work);
    else pairMinimumSigned(w, x, x2, blocks, c, work);
  } else if (kind == Kind.Halves) pairHalvesSigned(w, x, x2, blocks, c, work);
  else pairHalvesMinimumSigned(w, x, x2, blocks, c, work);
}

/** See `tile`. */
export function singleTile(mode: Dot, kind: Kind, w: usize, x: usize, blocks: i32, c: usize, work: usize): void {
  if (kind == Kind.Plain) {
    if (mode == Dot.Sixteen) singlePlainSixteen(w, x, blocks, c, work);
    else singlePlainSigned(w, x, blocks, c, work);
  } else if (kind == Kind.Minimum) {
    if (mode == Dot.Sixteen) singleMinimumSixteen(w, x, blocks, c, work);
    else singleMinimumSigned(w, x, blocks, c, work);
  } else if (kind == Kind.Halves) singleHalvesSigned(w, x, blocks, c, work);
  else singleHalvesMinimumSigned(w, x, blocks, c, work);
}

/** See `tileMadd`. */
export function maddTile(kind: Kind, w: usize, x: usize, blocks: i32, c: usize): void {
  if (kind == Kind.Plain) maddPlain(w, x, blocks, c);
  else if (kind == Kind.Minimum) maddMinimum(w, x, blocks, c);
  else if (kind == Kind.Halves) maddHalves(w, x, blocks, c);
  else maddHalvesMinimum(w, x, blocks, c);
}
