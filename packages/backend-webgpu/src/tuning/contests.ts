/** The sites of a model as contests on its device, with its weights: what is measured is what steps will run. */
import { isMilletError } from "@millet/core/errors";
import { readBuffer } from "../device/read-buffer.js";
import { toleratedError } from "../kernels/linear/lower.js";
import type { ModelPlan } from "../model-plan.js";
import type { Dispatch } from "../program/dispatch.js";
import { CompiledProgram } from "../run/compiled-program.js";
import type { ModelRuntime } from "../run/runtime.js";
import { normalisedError } from "../self-test/error.js";
import { dispatchesOf, everywhere, type Site } from "./sites.js";
import type { PassTimer } from "./timer.js";
import type { Contest } from "./tune.js";
import type { Workload } from "./workload.js";

/** Most repetitions of a site's dispatches in one sample. */
const MOST_REPEATS = 64;
/** Bytes of a result that are compared. */
const COMPARED_BYTES = 2 ** 20;

export class Contests {
  readonly #runtime: ModelRuntime;
  readonly #workload: Workload;
  readonly #timer: PassTimer;
  readonly #sites: readonly Site[];
  readonly #planOf: (i: number) => ModelPlan;
  readonly #programs: CompiledProgram[] = [];

  /** @param plan makes the plan by some choices */
  constructor(
    runtime: ModelRuntime,
    workload: Workload,
    timer: PassTimer,
    sites: readonly Site[],
    plan: (choices: ReturnType<typeof everywhere>) => ModelPlan,
  ) {
    this.#runtime = runtime;
    this.#workload = workload;
    this.#timer = timer;
    this.#sites = sites;
    const plans: ModelPlan[] = [];
    this.#planOf = (i) => (plans[i] ??= plan(everywhere(sites, i)));
  }

  list(): Contest[] {
    return this.#sites.map((site) => this.#contest(site));
  }

  destroy(): void {
    for (const program of this.#programs) program.destroy();
  }

  #contest(site: Site): Contest {
    const samples: ((pass: GPUComputePassEncoder) => void)[] = [];
    return {
      site: site.name,
      candidates: site.candidates,
      prepare: async () => {
        const plans = site.candidates.map((_, i) => this.#planOf(i));
        for (const { slots } of plans) this.#runtime.growSlots(slots);
        const extent = await this.#extentOf(site);
        const ready: number[] = [];
        for (const i of plans.keys()) {
          const program = await this.#compile(site, i, extent.labels);
          if (!program) continue;
          samples[i] = this.#repeated(site, program, extent.repeats);
          ready.push(i);
        }
        return ready;
      },
      sample: (candidates) => this.#timer.time(candidates.map((i) => samples[i]!)),
      agrees: async (i) => {
        const [expected, actual] = [await this.#resultOf(site, 0), await this.#resultOf(site, i)];
        return normalisedError(actual, expected) <= toleratedError(site.candidates[i]!);
      },
    };
  }

  /** How much of a site makes a sample long enough: labels of its first dispatches, and repetitions of those. */
  async #extentOf(site: Site): Promise<{ readonly labels: number; readonly repeats: number }> {
    const { leastMs } = this.#timer;
    const first = this.#repeated(site, (await this.#compile(site, 0, 1))!, 1);
    const [, time] = await this.#timer.time([first, first]);
    const wanted = Math.ceil(leastMs / Math.max(time!, leastMs / 1e4));
    const labels = Math.min(wanted, labelsOf(dispatchesOf(this.#planOf(0), site)).length);
    return { labels, repeats: Math.min(MOST_REPEATS, Math.ceil(wanted / labels)) };
  }

  /** The dispatches of a site's first labels by its `i`-th candidate; undefined if the device cannot compile them. */
  async #compile(site: Site, i: number, labels: number): Promise<CompiledProgram | undefined> {
    const all = dispatchesOf(this.#planOf(i), site);
    const wanted = new Set(labelsOf(all).slice(0, labels));
    const dispatches = all.filter(({ label }) => wanted.has(label));
    const program = { name: site.name, dispatches, slots: [] };
    try {
      const compiled = await CompiledProgram.create(this.#runtime.device, program);
      this.#programs.push(compiled);
      return compiled;
    } catch (error) {
      if (i > 0 && isMilletError(error) && error.code === "BACKEND_FAILED") return undefined;
      throw error;
    }
  }

  #repeated(site: Site, program: CompiledProgram, repeats: number): (pass: GPUComputePassEncoder) => void {
    const size = this.#workload.size(site.most);
    const buffers = this.#workload.buffersFor(this.#planOf(0).graphs[site.graph]!, site.most);
    const key = {};
    return (pass) => {
      for (let i = 0; i < repeats; i++) program.encode(size, buffers, key, () => pass);
    };
  }

  /** What the dispatches of a site's first label make of noise. */
  async #resultOf(site: Site, i: number): Promise<Float32Array> {
    const program = (await this.#compile(site, i, 1))!;
    const { dispatches } = program.program;
    const slots = new Set(dispatches.flatMap(slotsOf));
    const { device, stream } = this.#runtime;
    stream.flush();
    const encoder = device.gpu.createCommandEncoder();
    for (const slot of slots) this.#workload.fill(encoder, this.#runtime.slot(slot));
    const pass = encoder.beginComputePass();
    this.#repeated(site, program, 1)(pass);
    pass.end();
    device.gpu.queue.submit([encoder.finish()]);
    const { kernel, operands } = dispatches.at(-1)!;
    const written = operands[kernel.access.indexOf("read-write")];
    if (written?.space !== "scratch") throw new TypeError(`${kernel.name} writes to no slot.`);
    const result = this.#runtime.slot(written.slot);
    return new Float32Array(
      (await readBuffer(device, result, 0, Math.min(COMPARED_BYTES, result.size))).buffer,
    );
  }
}

/** What the dispatches serve, each once. */
function labelsOf(dispatches: readonly Dispatch[]): string[] {
  return [...new Set(dispatches.map(({ label }) => label))];
}

function slotsOf({ operands }: Dispatch): number[] {
  return operands.flatMap((operand) => (operand.space === "scratch" ? [operand.slot] : []));
}
