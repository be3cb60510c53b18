/** The WebGPU backend: tries the device's kernels, then plans, compiles and loads models. */
import {
  type Backend,
  type Capabilities,
  type Estimate,
  type GraphSet,
  KV_BLOCK_ROWS,
  type KvPlan,
  type LoadedModel,
  type LoadOptions,
} from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Node } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import type { Device } from "./device/device.js";
import type { Choices } from "./kernels/choices.js";
import { featuresForAll, type KernelFeatures } from "./kernels/features.js";
import { KV_TYPES } from "./kv/layout.js";
import { loadPlanned } from "./load-model.js";
import { supportsNode } from "./lower/lower.js";
import { estimateOf, planModel } from "./model-plan.js";
import type { WebgpuOptions } from "./options.js";
import { selfTest } from "./self-test/self-test.js";
import { replanOf } from "./tuning/replan.js";
import { sitesOf } from "./tuning/sites.js";
import { Tuner } from "./tuning/tuner.js";

export class WebgpuBackend implements Backend {
  readonly name = "webgpu";
  readonly lost: Promise<MilletError>;
  readonly #device: Device;
  readonly #options: WebgpuOptions;
  readonly #models = new Set<LoadedModel>();
  /** What the self-tests of loads so far found. */
  readonly #found = new Set<string>();
  readonly #tuner: Tuner;
  readonly #trustsKernels: boolean;

  /**
   * Owns the device.
   * @param trustsKernels goes without self-tests: for tests that try every kernel themselves
   */
  constructor(device: Device, options: WebgpuOptions, trustsKernels = false) {
    this.#trustsKernels = trustsKernels;
    this.#device = device;
    this.#options = options;
    this.lost = device.lost;
    this.#tuner = new Tuner(device, options);
  }

  get capabilities(): Capabilities {
    const { description, limitations } = this.#device;
    return {
      description,
      engine: "webgpu",
      threads: 1,
      memoryLimitBytes: undefined, // WebGPU does not tell
      kvDTypes: KV_TYPES,
      limitations: [...limitations, ...this.#found],
      choices: this.#tuner.report(),
    };
  }

  supports(node: Node): boolean {
    return supportsNode(node);
  }

  estimate(graphs: GraphSet, kv: KvPlan): Estimate {
    return estimateOf(this.#plan(graphs, kv, featuresForAll(this.#tuner.features)), kv);
  }

  async load(
    graphs: GraphSet,
    sources: WeightSources,
    kv: KvPlan,
    options: LoadOptions = {},
  ): Promise<LoadedModel> {
    checkKv(kv);
    throwIfAborted(options.signal, "Loading the model");
    const features = await this.#tested(graphs, kv);
    throwIfAborted(options.signal, "Loading the model");
    const plan = (choices?: Choices) => this.#plan(graphs, kv, features, choices);
    const tuner = this.#tuner;
    const sites = tuner.isActive ? sitesOf(plan()) : [];
    const { choices, open } = await tuner.known(sites);
    const replan = replanOf({ tuner, sites, open, kv, plan, signal: options.signal });
    const { trace } = this.#options;
    const all = { ...options, ...(trace && { trace }), replan };
    const model = await loadPlanned(this.#device, plan(choices), sources, kv, all);
    this.#models.add(model);
    return model;
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#models].map((model) => model.dispose()));
    this.#models.clear();
    this.#device.destroy();
  }

  async #tested(graphs: GraphSet, kv: KvPlan): Promise<KernelFeatures> {
    if (this.#trustsKernels) return featuresForAll(this.#tuner.features);
    const report = await selfTest(this.#device, this.#tuner.features, graphs, kv, (one, allowed) => {
      const plan = this.#plan({ case: one.graph }, one.kv, featuresForAll(allowed), one.choices);
      return loadPlanned(this.#device, plan, one.weights, one.kv, {});
    });
    for (const limitation of report.limitations) this.#found.add(limitation);
    return report.features;
  }

  #plan(graphs: GraphSet, kv: KvPlan, features: KernelFeatures, choices?: Choices) {
    return planModel(graphs, kv, this.#device.limits, features, choices);
  }
}

function checkKv({ blockRows }: KvPlan): void {
  if (blockRows === KV_BLOCK_ROWS) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `The WebGPU backend keeps the KV cache in blocks of ${KV_BLOCK_ROWS} rows, not ${blockRows}.`,
  );
}
