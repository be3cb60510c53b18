/** A plan in the making: what a load finds out is added as it goes, and what fails in use later on. */
import type { ResolvedOptions } from "./options.js";
import type { NnapiPlan, PlanReason } from "./plan.js";
import { planText } from "./plan-text.js";

export class PlanDraft {
  #plan: Omit<NnapiPlan, "toString">;

  constructor(options: ResolvedOptions, fallback: string, runtime: string) {
    const {
      candidates,
      apiLevel,
      chunk,
      plan,
      maxNnapiBytes,
      memoryBytes,
      minSpeedup,
      flags,
      strict,
      probe,
    } = options;
    this.#plan = {
      requested: {
        candidates,
        apiLevel,
        chunk,
        plan,
        maxNnapiBytes,
        memoryBytes,
        minSpeedup,
        flags,
        strict,
        probe,
      },
      resolved: "none",
      fallback,
      reasons: [],
      candidates: [],
      runtime,
      device: options.device,
      remembered: false,
    };
  }

  get plan(): NnapiPlan {
    const plan = this.#plan;
    return { ...plan, toString: () => planText(plan) };
  }

  set(changes: Partial<Omit<NnapiPlan, "toString" | "requested" | "reasons">>): void {
    this.#plan = { ...this.#plan, ...changes };
  }

  add(reason: PlanReason): void {
    this.#plan = { ...this.#plan, reasons: [...this.#plan.reasons, reason] };
  }
}
