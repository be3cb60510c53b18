/** Starts the engine of a choice; where the machine refuses it, the choice's fallback, which then says why. */
import { isMilletError } from "@millet/core/errors";
import { type EngineChoice, limited } from "./choose.js";
import type { Engine, EngineLimits } from "./engine.js";

export interface Started<Plan> {
  readonly engine: Engine;
  readonly plan: Plan;
  /** The choice that was started, with what the running engine says of itself. */
  readonly choice: EngineChoice;
}

/**
 * @param planFor makes what an engine will run, and its sizes: anew for each engine that is tried
 * @throws MilletError BACKEND_UNAVAILABLE, OUT_OF_MEMORY of the first engine if no other starts; ABORTED; what planFor
 * throws for the first; nothing stays behind
 */
export async function startEngine<Plan>(
  choice: EngineChoice,
  planFor: (choice: EngineChoice) => { readonly plan: Plan; readonly limits: EngineLimits },
  signal?: AbortSignal,
): Promise<Started<Plan>> {
  const { plan, limits } = planFor(choice);
  try {
    return started(choice, await choice.start(limits, signal), plan);
  } catch (error) {
    const fallback = isRefusal(error) ? choice.fallback?.() : undefined;
    if (!fallback) throw error;
    const reason = `${error instanceof Error ? error.message : ""} The ${fallback.name} engine serves instead.`;
    return await startEngine(limited(fallback, reason), planFor, signal).catch((second: unknown) => {
      throw isMilletError(second) && second.code === "ABORTED" ? second : error;
    });
  }
}

/** What runs, and what it says of itself. */
export function started<Plan>(choice: EngineChoice, engine: Engine, plan: Plan): Started<Plan> {
  const { description, threads, limitations } = engine;
  const all = [...new Set([...choice.limitations, ...limitations])];
  return { engine, plan, choice: { ...choice, description, threads, limitations: all } };
}

/** Whether this machine refused the engine, so that another may start. */
function isRefusal(error: unknown): boolean {
  return isMilletError(error) && (error.code === "BACKEND_UNAVAILABLE" || error.code === "OUT_OF_MEMORY");
}
