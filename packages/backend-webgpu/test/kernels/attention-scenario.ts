/** Scenarios of attention: what calls bring, and what core's reference makes of them. */
import { type KvDType, type KvPlan, reference, type State } from "@millet/core/backend";
import { GraphBuilder } from "@millet/core/graph";
import { type AttentionAttrs, attention } from "@millet/core/ops";
import { type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { Random } from "../../../../test/support/random.js";

const BLOCK_ROWS = 32;

export interface Scenario {
  readonly attrs: Partial<AttentionAttrs> &
    Pick<AttentionAttrs, "heads" | "kvHeads" | "headDim" | "valueDim">;
  /** Rows that each sequence adds in each call: calls[i][s]. */
  readonly calls: readonly (readonly number[])[];
  readonly dtype?: KvDType;
  /** Most rows of the program; as many as the largest call has if undefined. */
  readonly mostRows?: number;
}

export const INDICES = ["positions", "sequences", "writeRows", "blockTable", "lengths"] as const;

/** Operands of one call, in the op's order. */
export type Operands = Readonly<Record<"q" | "k" | "v" | (typeof INDICES)[number], HostTensor>>;

export type Prepare = (state: State) => Promise<void>;

export function attrsOf({ attrs }: Scenario): AttentionAttrs {
  return { layer: 0, scale: attrs.headDim ** -0.5, causal: true, ...attrs };
}

export function mostRowsOf({ mostRows, calls }: Scenario): number {
  return mostRows ?? Math.max(...calls.map(sum));
}

export function planOf(scenario: Scenario): KvPlan {
  const { attrs, dtype = "f32", calls } = scenario;
  const { kvHeads, headDim, valueDim } = attrs;
  const maxBlocks = columnsOf(scenario) * calls[0]!.length;
  return { layers: 1, kvHeads, headDim, valueDim, dtype, blockRows: BLOCK_ROWS, maxBlocks };
}

/** Blocks that each sequence has: one more than it needs. */
function columnsOf({ calls }: Scenario): number {
  return Math.ceil(sum(calls.flat()) / BLOCK_ROWS) + 1;
}

/** Random operands of each call; every sequence's blocks lie scattered over the cache. */
export function operandsOf(scenario: Scenario, seed = 1): Operands[] {
  const { heads, kvHeads, headDim, valueDim } = scenario.attrs;
  const random = new Random(seed);
  const columns = columnsOf(scenario);
  const lengths = scenario.calls[0]!.map(() => 0);
  const table = random.permutation(columns * lengths.length);
  return scenario.calls.map((added) => {
    const rows = added.flatMap((count, s) =>
      Array.from({ length: count }, () => {
        const position = lengths[s]!++;
        const block = table[s * columns + Math.floor(position / BLOCK_ROWS)]!;
        return { s, position, writeRow: block * BLOCK_ROWS + (position % BLOCK_ROWS) };
      }),
    );
    const floats = (width: number) =>
      tensorOf("f32", [rows.length, width], random.normals(rows.length * width));
    return {
      q: floats(heads * headDim),
      k: floats(kvHeads * headDim),
      v: floats(kvHeads * valueDim),
      positions: ints(rows.map((row) => row.position)),
      sequences: ints(rows.map((row) => row.s)),
      writeRows: ints(rows.map((row) => row.writeRow)),
      blockTable: ints(table, [lengths.length, columns]),
      lengths: ints([...lengths]),
    };
  });
}

/** The outputs of core's reference. */
export async function expectedOf(
  scenario: Scenario,
  calls: readonly Operands[],
  prepare?: Prepare,
): Promise<Float32Array[]> {
  const builder = new GraphBuilder("attention");
  const inputs = Object.entries(calls[0]!).map(([name, { spec }]) => {
    const { dtype, shape } = spec;
    if (name === "blockTable" || name === "lengths") return builder.input(name, { dtype, shape });
    return builder.input(name, { dtype, shape: [mostRowsOf(scenario), ...shape.slice(1)] }, "tokens");
  });
  const graph = builder.finish({ out: builder.emitOne(attention, inputs, attrsOf(scenario)) });
  const plan = planOf(scenario);
  const model = await (await reference().create()).load({ graph }, new Map(), plan);
  const state = model.createState();
  await state.reserve(plan.maxBlocks);
  await prepare?.(state);
  const outputs: Float32Array[] = [];
  for (const call of calls) {
    const { out } = model.executables.graph!.run({ inputs: { ...call }, state });
    outputs.push(viewAs(await out!.read(), "f32").slice());
  }
  return outputs;
}

export function ints(values: readonly number[], shape: readonly number[] = [values.length]): HostTensor {
  return tensorOf("i32", shape, Int32Array.from(values));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
