/**
 * embedding: rows of a weight of any format, chosen by token ids of the call, times a factor. An invocation makes 8
 * outputs. Of a group of 4 rows 1 is wanted; what the loads bring of the others is little next to one token's matrices.
 */
import type { Matrix } from "../../lower/matrix.js";
import type { Workspace } from "../../lower/specs.js";
import type { Dispatch } from "../../program/dispatch.js";
import { decodeFunctions, decodePrelude } from "../../quant/decode-wgsl.js";
import { CHUNK, chunksOf, type GpuFormat, packedBytes, planeVectors } from "../../quant/format.js";
import { gpuFormat } from "../../quant/index.js";
import type { PlacedWeight, WeightPart } from "../../weights/placed-weight.js";
import { address, matrixBinding, rowGrid, rowGuard, scratchOf } from "../rows.js";
import { f32Literal, kernelOf } from "../wgsl.js";

const THREADS = 64;

export interface EmbeddingSpec {
  readonly label: string;
  /** [vocabulary, hidden] */
  readonly weight: PlacedWeight;
  /** First word of the token ids in the call buffer. */
  readonly tokens: number;
  /** Factor on every element. */
  readonly scale: number;
  /** [tokens, hidden] */
  readonly y: Matrix;
}

/** One dispatch for each part of the weight. A row whose id is no row of the weight becomes 0. */
export function lowerEmbedding(spec: EmbeddingSpec, workspace: Workspace): Dispatch[] {
  const { weight, y, label } = spec;
  const format = gpuFormat(weight.spec.dtype);
  const columns = weight.spec.shape[1]!;
  return weight.parts.map((part, i) => ({
    kernel: kernelOf(
      `embedding.${format.dtype}`,
      [
        { name: "call", element: "u32", access: "read" },
        { name: "page", element: "vec4<u32>", access: "read" },
        matrixBinding("y_rows", "read-write"),
      ],
      source(spec, workspace, format, part, i === 0),
    ),
    label,
    operands: [{ space: "call" }, { space: "weights", page: part.page }, scratchOf(y)],
    params: planeVectors(format, part, columns),
    grid: rowGrid(y, Math.ceil(chunksOf(columns) / THREADS)),
    weightBytes: Math.min(y.rows * packedBytes(format, 4, columns), part.byteLength),
  }));
}

function source(
  { y, weight, tokens, scale }: EmbeddingSpec,
  workspace: Workspace,
  format: GpuFormat,
  { firstRow, rows }: WeightPart,
  isFirst: boolean,
): string {
  const columns = weight.spec.shape[1]!;
  const vocabulary = weight.spec.shape[0]!;
  const scaled = format.numbers !== "floats";
  const elsewhere = isFirst ? `id < ${vocabulary}u` : "true"; // the first part clears rows of bad ids
  const write = (i: number) => {
    const store = `y_rows[at + ${i}u] = values[${i}];`;
    return columns % CHUNK === 0 ? store : `if (chunk * ${CHUNK}u + ${i}u < ${columns}u) { ${store} }`;
  };
  const indices = Array.from({ length: CHUNK }, (_, i) => i);
  return `${decodePrelude("integers", [format])}
${decodeFunctions(format, { suffix: "", page: "page", columns })}
@compute @workgroup_size(${THREADS})
fn main(@builtin(global_invocation_id) position: vec3<u32>) {
  let chunk = position.x;
  let row = position.y;
  if (chunk >= ${chunksOf(columns)}u || ${rowGuard(y, workspace)}) { return; }
  let id = call[${tokens}u + row];
  let here = id >= ${firstRow}u && id < ${firstRow + rows}u;
  if (!here && ${elsewhere}) { return; }
  let index = select(0u, id - ${firstRow}u, here);
  let group = index >> 2u;
  let r = index & 3u;
  let planes = params.words[0];
  let floats = floats(planes, group, chunk);
  var low = floats.low[r];
  var high = floats.high[r];
  ${scaled ? "let scales = scales(planes, group, chunk);\n  low = low * scales.scale[r] + scales.offset[r];\n  high = high * scales.scale[r] + scales.offset[r];" : ""}
  let factor = select(0f, ${f32Literal(scale)}, here);
  low *= factor;
  high *= factor;
  let values = array<f32, 8>(low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w);
  let at = ${address(y, "row", `chunk * ${CHUNK}u`)};
  ${indices.map(write).join("\n  ")}
}`;
}
