/** The tuning run of one load: measures what is open with the model's weights, and plans the model by the outcome. */
import type { KvPlan } from "@millet/core/backend";
import type { Choices } from "../kernels/choices.js";
import type { Replan } from "../load-model.js";
import type { ModelPlan } from "../model-plan.js";
import { Contests } from "./contests.js";
import type { Site } from "./sites.js";
import { passTimer } from "./timer.js";
import type { Tuner } from "./tuner.js";
import { Workload } from "./workload.js";

export interface TuningRun {
  readonly tuner: Tuner;
  /** Sites of the model, and those of them to measure. */
  readonly sites: readonly Site[];
  readonly open: readonly Site[];
  readonly kv: KvPlan;
  readonly signal?: AbortSignal | undefined;
  /** The plan of the model by some choices. */
  plan(choices: Choices): ModelPlan;
}

/** Undefined if nothing is open. */
export function replanOf({ tuner, sites, open, kv, signal, plan }: TuningRun): Replan | undefined {
  if (open.length === 0) return undefined;
  return async (runtime, pages) => {
    const timer = passTimer(runtime.device, () => performance.now());
    const workload = await Workload.create(runtime, pages, kv);
    const contests = new Contests(runtime, workload, timer, open, plan);
    try {
      return plan(await tuner.measure(sites, open, contests.list(), signal));
    } finally {
      contests.destroy();
      workload.destroy();
    }
  };
}
