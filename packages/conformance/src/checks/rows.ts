/** Rows of a product are the same bits alone, in chunks and among others, whatever the weight type. */
import type { Backend } from "@millet/core/backend";
import { linear } from "@millet/core/ops";
import { type DType, tensorOf, viewAs } from "@millet/core/tensor";
import { type BuiltCase, CaseBuilder } from "../case.js";
import { runCase } from "../run-case.js";
import { concat } from "./step.js";

const ROWS = 37;
const OUTER = 21;
const INNER = 512;

/** Rows of each call; every list adds up to the same rows. */
const CHUNKS: readonly (readonly number[])[] = [[ROWS], Array<number>(ROWS).fill(1), [5, 32], [3, 2, 31, 1]];

/** The product of the check, its rows in calls of the given sizes. */
export function rowsCase(dtype: DType, chunks: readonly number[] = CHUNKS[0]!): BuiltCase {
  const builder = new CaseBuilder(`rows of ${dtype}`);
  const input = builder.input("x", "f32", [ROWS, INNER]);
  const weight = builder.weight("w", dtype, [OUTER, INNER], INNER ** -0.5);
  const graph = builder.emit(linear, [input, weight], {});
  const x = viewAs(builder.floats([ROWS, INNER]), "f32");
  let start = 0;
  const calls = chunks.map((count) => {
    const rows = x.slice(start * INNER, (start += count) * INNER);
    return { x: tensorOf("f32", [count, INNER], rows) };
  });
  return { graph, weights: builder.weights, calls };
}

/** @returns the chunks whose results differ from those of all rows in one call; undefined if there are none */
export async function chunksThatDiffer(
  backend: Backend,
  dtype: DType,
): Promise<readonly number[] | undefined> {
  let whole: Uint8Array | undefined;
  for (const chunks of CHUNKS) {
    const results = await runCase(backend, rowsCase(dtype, chunks));
    const bytes = concat(results.map(({ data }) => data));
    whole ??= bytes;
    if (!bytes.every((byte, i) => byte === whole?.[i])) return chunks;
  }
  return undefined;
}
