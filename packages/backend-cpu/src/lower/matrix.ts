/**
 * Matrices as programs see them: rows of f32, each padded to a multiple of 8 columns, and as many rows as make whole
 * fours, so that kernels write whole tiles.
 */
import type { Value } from "@millet/core/graph";
import type { Access, Sharing } from "../program/step.js";
import { aligned } from "./region.js";

/** A matrix in memory. */
export interface Matrix {
  readonly address: number;
  /** Bytes between rows. */
  readonly stride: number;
  readonly width: number;
  /** Bytes of one copy. */
  readonly byteLength: number;
  /** Bytes between the copies of two threads; 0 if there is one for all. */
  readonly privateStride: number;
  /** Address of the number of active rows. */
  readonly count: number;
}

export function isMatrix({ spec }: Value): boolean {
  return spec.dtype === "f32" && spec.shape.length === 2;
}

/** Bytes between rows. */
export function matrixStride({ spec }: Value): number {
  return 4 * Math.ceil(spec.shape[1]! / 8) * 8;
}

/** Bytes of one copy of a value, padding included. */
export function matrixBytes(value: Value): number {
  return aligned(matrixStride(value) * paddedRows(value.spec.shape[0]!));
}

/** Rows of a matrix with its padding. */
export function paddedRows(rows: number): number {
  return Math.ceil(rows / 4) * 4;
}

/** An access to a matrix. A replicated one is always private. */
export function accessMatrix(matrix: Matrix, write: boolean, sharing: Sharing, threads: number): Access {
  const copies = matrix.privateStride === 0 ? 1 : threads;
  return {
    space: "memory",
    start: matrix.address,
    end: matrix.address + matrix.byteLength * copies,
    write,
    sharing: matrix.privateStride === 0 ? sharing : PRIVATE,
  };
}

export const ALL: Sharing = { by: "all" };
export const PRIVATE: Sharing = { by: "private" };

/** By groups of 8 columns. */
export function byFeatures(width: number): Sharing {
  return { by: "features", groups: Math.ceil(width / 8) };
}
