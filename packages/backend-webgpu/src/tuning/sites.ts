/** The sites of a planned model, and the dispatches of every candidate. */
import type { Choice, Choices } from "../kernels/choices.js";
import type { MostRows } from "../lower/context.js";
import type { ModelPlan } from "../model-plan.js";
import type { Dispatch } from "../program/dispatch.js";

export interface Site {
  readonly name: string;
  /** Names, the default first. */
  readonly candidates: readonly string[];
  /** The program that it is measured in: graph, and program of that graph. */
  readonly graph: number;
  readonly program: number;
  readonly most: MostRows;
  readonly weightBytes: number;
}

/** Sites with several candidates: those of single rows first, then prompts, then few rows; heavy ones before light ones. */
export function sitesOf(plan: ModelPlan): Site[] {
  const sites = new Map<string, Site>();
  plan.graphs.forEach(({ lowered }, graph) =>
    lowered.forEach(({ program: { dispatches }, most }, program) => {
      for (const [name, own] of Map.groupBy(marked(dispatches), ({ choice }) => choice.site)) {
        if (sites.has(name)) continue;
        const weightBytes = own.reduce((sum, dispatch) => sum + dispatch.weightBytes, 0);
        sites.set(name, { name, candidates: own[0]!.choice.candidates, graph, program, most, weightBytes });
      }
    }),
  );
  const rank = ({ most: { tokens } }: Site) => (tokens === 1 ? 0 : tokens > FEW ? 1 : 2);
  return [...sites.values()].sort((a, b) => rank(a) - rank(b) || b.weightBytes - a.weightBytes);
}

/** Programs for at most so many rows are for decoding several sequences. */
const FEW = 8;

type Marked = Dispatch & Required<Pick<Dispatch, "choice">>;

function marked(dispatches: readonly Dispatch[]): Marked[] {
  return dispatches.filter((dispatch): dispatch is Marked => dispatch.choice !== undefined);
}

/** The dispatches of a site in a plan, in order. */
export function dispatchesOf(plan: ModelPlan, { name, graph, program }: Site): readonly Dispatch[] {
  return plan.graphs[graph]!.lowered[program]!.program.dispatches.filter(
    ({ choice }) => choice?.site === name,
  );
}

/** Choices by which all sites have their `i`-th candidate, or their default where there is none. */
export function everywhere(sites: readonly Site[], i: number): Choices {
  const entries = sites.map(({ name, candidates }): [string, Choice] => [
    name,
    { candidate: candidates[i] ?? candidates[0]!, source: "measured", gain: 1 },
  ]);
  return new Map(entries);
}
