/** Compiles a planned model and brings its weights to the device; what fails leaves nothing behind. */
import type { KvPlan, LoadedModel, LoadOptions } from "@millet/core/backend";
import { throwIfAborted } from "@millet/core/errors";
import type { WeightSources } from "@millet/core/tensor";
import type { Device } from "./device/device.js";
import { withErrorScopes } from "./device/error-scopes.js";
import { WebgpuState } from "./kv/state.js";
import type { ModelPlan, PlannedGraph } from "./model-plan.js";
import type { WebgpuOptions } from "./options.js";
import { CompiledProgram } from "./run/compiled-program.js";
import { WebgpuExecutable } from "./run/executable.js";
import { ModelRuntime } from "./run/runtime.js";
import { Tracer } from "./run/tracer.js";
import { loadWeights } from "./weights/load.js";

/** @throws MilletError OUT_OF_MEMORY, BACKEND_FAILED, BACKEND_LOST, ABORTED, MODEL_TENSOR_*, SOURCE_* */
export async function loadPlanned(
  device: Device,
  plan: ModelPlan,
  sources: WeightSources,
  kv: KvPlan,
  options: LoadOptions & Pick<WebgpuOptions, "trace"> & { readonly replan?: Replan | undefined },
): Promise<LoadedModel> {
  const { signal, trace, replan } = options;
  const runtime = new ModelRuntime(device);
  const resources: Resources = { runtime, pages: [], executables: [], states: new Set() };
  try {
    const tracer = trace && new Tracer(runtime, trace);
    // At once: what does not compile should fail before anything is uploaded.
    const early = replan ? undefined : await compileAll(device, plan);
    throwIfAborted(signal, "Loading the model");
    await withErrorScopes(device, "Work space for the model", () => runtime.createSlots(plan.slots));
    resources.pages.push(...(await loadWeights(device, plan.weights, sources, options)));
    const final = replan ? await replan(runtime, resources.pages) : plan;
    await withErrorScopes(device, "Work space for the model", () => runtime.growSlots(final.slots));
    const programs = early ?? (await compileAll(device, final));
    final.graphs.forEach(({ graph, layout }, i) => {
      const executable = new WebgpuExecutable(graph, layout, programs[i]!, runtime, resources.pages, tracer);
      resources.executables.push(executable);
    });
  } catch (error) {
    release(resources);
    throw error;
  }
  return loadedModel(plan, kv, resources);
}

/** Makes another plan for the same weights once they lie in their pages. */
export type Replan = (runtime: ModelRuntime, pages: readonly GPUBuffer[]) => Promise<ModelPlan>;

interface Resources {
  readonly runtime: ModelRuntime;
  readonly pages: GPUBuffer[];
  readonly executables: WebgpuExecutable[];
  readonly states: Set<WebgpuState>;
}

function compileAll(device: Device, { graphs }: ModelPlan) {
  return Promise.all(graphs.map((graph) => compile(device, graph)));
}

function compile(device: Device, { lowered }: PlannedGraph) {
  return Promise.all(
    lowered.map(async (one) => ({
      lowered: one,
      compiled: await CompiledProgram.create(device, one.program),
    })),
  );
}

function loadedModel(plan: ModelPlan, kv: KvPlan, resources: Resources): LoadedModel {
  let disposed = false;
  return {
    byteLength: plan.weights.byteLength,
    executables: Object.fromEntries(plan.graphs.map(({ name }, i) => [name, resources.executables[i]!])),
    createState: () => {
      const state = new WebgpuState(resources.runtime, kv);
      resources.states.add(state);
      return state;
    },
    dispose: async () => {
      if (!disposed) release(resources);
      disposed = true;
    },
  };
}

function release({ runtime, pages, executables, states }: Resources): void {
  for (const state of states) state.dispose();
  for (const executable of executables) executable.destroy();
  for (const page of pages) page.destroy();
  runtime.destroy();
}
