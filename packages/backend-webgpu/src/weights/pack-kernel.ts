/**
 * The kernels that turn raw GGUF rows in a staging buffer into the planes of a format, on the GPU: one for each plane.
 * An invocation makes one 32-bit word.
 */
import { rowByteLength } from "@millet/core/tensor";
import { kernelOf, MOST_WORKGROUPS, param } from "../kernels/wgsl.js";
import type { Kernel } from "../program/dispatch.js";
import type { GpuFormat, Plane, PlaneKind } from "../quant/format.js";
import { groupsOf } from "../quant/format.js";
import { RAW_READ } from "../quant/pack-wgsl.js";

const THREADS = 64;

/** Words of a group of 4 rows, per unit of a row. */
const WORDS = { words: 4, halves: 2, bytes: 1, rows: 4 } as const satisfies Record<PlaneKind, number>;

/** Statement that returns word `i` of a plane, counted from the first group in the staging buffer. */
function wordOf(kind: PlaneKind, units: number): string {
  switch (kind) {
    case "words":
      return `return at(i / ${4 * units}u * 4u + (i & 3u), i / 4u % ${units}u);`;
    case "rows":
      return `return at(i / ${units}u, i % ${units}u);`;
    case "halves":
      return `let row = i / ${2 * units}u * 4u + 2u * (i & 1u);
  let unit = i / 2u % ${units}u;
  return at(row, unit) | (at(row + 1u, unit) << 16u);`;
    case "bytes":
      return `let row = i / ${units}u * 4u;
  let unit = i % ${units}u;
  return at(row, unit) | (at(row + 1u, unit) << 8u) | (at(row + 2u, unit) << 16u) | (at(row + 3u, unit) << 24u);`;
    default:
      return kind satisfies never;
  }
}

/** Bindings: raw bytes, the page. Params: the plane's first word for these rows, rows, words to write. */
function packKernel(format: GpuFormat, plane: Plane, columns: number): Kernel {
  const rowBytes = rowByteLength({ dtype: format.dtype, shape: [columns] });
  const body = `
const COLUMNS = ${columns}u;
${RAW_READ}
${format.raw}
fn value(row: u32, unit: u32) -> u32 { return ${plane.value}; }
fn at(row: u32, unit: u32) -> u32 {
  if (row >= ${param(1)}) { return 0u; }
  return value(row * ${rowBytes}u, unit);
}
fn word(i: u32) -> u32 {
  ${wordOf(plane.kind, plane.units(columns))}
}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let i = (group.y * ${MOST_WORKGROUPS}u + group.x) * ${THREADS}u + lane;
  if (i < ${param(2)}) { page[${param(0)} + i] = word(i); }
}`;
  const bindings = [
    { name: "raw", element: "u32", access: "read" as const },
    { name: "page", element: "u32", access: "read-write" as const },
  ];
  return kernelOf(`pack.${format.dtype}.${format.planes.indexOf(plane)}`, bindings, body);
}

/** A dispatch of a packing kernel. */
export interface PackStep {
  readonly kernel: Kernel;
  readonly params: readonly number[];
  readonly grid: readonly [number, number, number];
}

/**
 * What packs rows that lie in the staging buffer.
 * @param planes where each plane of the part begins, in bytes from the beginning of the page
 * @param firstRow a multiple of 4, counted from the part's first row
 */
export function packSteps(
  format: GpuFormat,
  columns: number,
  planes: readonly number[],
  firstRow: number,
  rows: number,
): PackStep[] {
  return format.planes.map((plane, i) => {
    const groupWords = WORDS[plane.kind] * plane.units(columns);
    const words = groupsOf(rows) * groupWords;
    const workgroups = Math.ceil(words / THREADS);
    return {
      kernel: packKernel(format, plane, columns),
      params: [planes[i]! / 4 + (firstRow / 4) * groupWords, rows, words],
      grid: [Math.min(workgroups, MOST_WORKGROUPS), Math.ceil(workgroups / MOST_WORKGROUPS), 1],
    };
  });
}
