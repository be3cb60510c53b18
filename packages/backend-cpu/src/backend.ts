/** The CPU backend: plans a model, starts an engine for it, loads the weights, hands out executables and KV caches. */
import {
  type Backend,
  type Capabilities,
  type Estimate,
  type GraphSet,
  KV_BLOCK_ROWS,
  KV_DTYPES,
  type KvPlan,
  type LoadedModel,
  type LoadOptions,
  type PackedFileReport,
} from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Node } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import { choiceFor, chooseEngine, type EngineChoice } from "./engine/choose.js";
import type { Engine, EngineLimits } from "./engine/engine.js";
import { startEngine, started } from "./engine/start.js";
import { TracingEngine } from "./engine/tracing-engine.js";
import { CpuExecutable } from "./executable.js";
import { KvMemory } from "./kv-memory.js";
import { kvGroupBytes, kvTableBytes } from "./lower/kv-layout.js";
import { supportsNode } from "./lower/lower.js";
import { checkFits, type ModelPlan, planModel } from "./model-plan.js";
import type { CpuOptions } from "./options.js";
import { type EarlyStart, startEarly } from "./packed-file/early.js";
import { PackedFile } from "./packed-file/packed-file.js";
import { placeWeights } from "./place-weights.js";
import { CpuState } from "./state.js";

export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly lost: Promise<MilletError>;
  readonly #preferred: EngineChoice;
  /** The engine for the graphs seen last. */
  #choice: EngineChoice;
  readonly #options: CpuOptions;
  /** The plan made last: an estimate is usually followed by the load. */
  #planned: { readonly inputs: readonly unknown[]; readonly plan: ModelPlan } | undefined;
  readonly #models = new Set<LoadedModel>();
  /** A packed file that was begun with, for the model that is loaded next. */
  #early: EarlyStart | undefined;
  #lose: (error: MilletError) => void = () => {};

  /** @throws MilletError BACKEND_UNAVAILABLE, INVALID_ARGUMENT */
  constructor(options: CpuOptions) {
    this.#preferred = chooseEngine(options);
    this.#choice = this.#preferred;
    this.#options = options;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  /** Of the engine that serves the graphs last estimated or loaded; before, of the one that is preferred. */
  get capabilities(): Capabilities {
    const { description, name, threads, addressableBytes, limitations } = this.#choice;
    return {
      description,
      engine: name,
      threads,
      memoryLimitBytes: addressableBytes,
      kvDTypes: KV_DTYPES,
      limitations,
    };
  }

  supports(node: Node): boolean {
    if (supportsNode(node, this.#preferred.weightTypes)) return true;
    const fallback = this.#preferred.fallback?.();
    return fallback !== undefined && supportsNode(node, fallback.weightTypes);
  }

  estimate(graphs: GraphSet, kv: KvPlan): Estimate {
    const { weightBytes, scratchBytes, maximumBytes, end } = this.#plan(graphs, kv);
    return { weightBytes, scratchBytes, kvBytes: maximumBytes - end };
  }

  async prepare(weights: WeightSources): Promise<void> {
    const { packedFiles } = this.#options;
    await this.#dropEarly();
    if (!packedFiles) return;
    // Loading goes the same way again, and reports what is wrong with it.
    this.#early = await startEarly(packedFiles, weights, this.#preferred).catch(() => undefined);
  }

  async load(
    graphs: GraphSet,
    weights: WeightSources,
    kv: KvPlan,
    options: LoadOptions = {},
  ): Promise<LoadedModel> {
    checkKv(kv);
    const planFor = (choice: EngineChoice) => {
      const plan = this.#planFor(graphs, kv, choice);
      checkFits(plan, choice);
      return { plan, limits: limitsOf(plan, kv) };
    };
    const { packedFiles } = this.#options;
    const packedFileOf = (plan: ModelPlan) =>
      packedFiles ? new PackedFile(packedFiles, plan, weights) : undefined;
    const preferred = choiceFor(graphs, this.#preferred);
    const early = await this.#takeEarly(preferred, planFor, packedFileOf);
    const { choice, engine, plan } = early ?? (await startEngine(preferred, planFor, options.signal));
    this.#choice = choice;
    this.#planned = undefined; // the model keeps what it needs of it
    let packedFile: PackedFileReport | undefined;
    try {
      const packed = early?.packed ?? packedFileOf(plan);
      [packedFile] = await Promise.all([
        placeWeights(engine, plan, weights, packed, options, early?.start),
        writePrograms(engine, plan),
      ]);
    } catch (error) {
      await engine.dispose();
      throw error;
    }
    void engine.lost.then((error) => this.#lose(error));
    return this.#loadedModel(graphs, kv, plan, this.#traced(engine, plan), packedFile);
  }

  /** What prepare() began, with all that goes with it, if it is what the plan needs. */
  async #takeEarly(
    choice: EngineChoice,
    planFor: (choice: EngineChoice) => { readonly plan: ModelPlan; readonly limits: EngineLimits },
    packedFileOf: (plan: ModelPlan) => PackedFile | undefined,
  ) {
    const start = this.#early;
    if (!start || choice !== this.#preferred) return void (await this.#dropEarly());
    const { plan, limits } = planFor(choice);
    const packed = packedFileOf(plan);
    if (!packed?.hasBegun(start)) return void (await this.#dropEarly());
    this.#early = undefined;
    try {
      start.engine.settle(limits);
    } catch {
      return void (await start.engine.dispose()); // starting the usual way fails as well, and goes on to the fallback
    }
    return { ...started(choice, start.engine, plan), packed, start };
  }

  async #dropEarly(): Promise<void> {
    const early = this.#early;
    this.#early = undefined;
    await early?.engine.dispose();
  }

  async dispose(): Promise<void> {
    await this.#dropEarly();
    await Promise.all([...this.#models].map((model) => model.dispose()));
  }

  #plan(graphs: GraphSet, kv: KvPlan): ModelPlan {
    this.#choice = choiceFor(graphs, this.#preferred);
    return this.#planFor(graphs, kv, this.#choice);
  }

  #planFor(graphs: GraphSet, kv: KvPlan, choice: EngineChoice): ModelPlan {
    const { name, threads } = choice;
    const inputs = [graphs, kv, name, threads];
    if (this.#planned?.inputs.every((input, i) => input === inputs[i])) return this.#planned.plan;
    const plan = planModel(graphs, kv, choice);
    this.#planned = { inputs, plan };
    return plan;
  }

  #traced(engine: Engine, plan: ModelPlan): Engine {
    const { trace } = this.#options;
    if (!trace) return engine;
    const programs = Object.values(plan.graphs).map(
      ({ address, lowered }) => [address, lowered.program] as const,
    );
    return new TracingEngine(engine, new Map(programs), trace);
  }

  #loadedModel(
    graphs: GraphSet,
    kv: KvPlan,
    plan: ModelPlan,
    engine: Engine,
    packedFile: PackedFileReport | undefined,
  ): LoadedModel {
    const memory = new KvMemory(engine, plan.end, plan.maximumBytes);
    const executables = Object.entries(plan.graphs).map(
      ([name, placed]) => [name, new CpuExecutable(graphs[name]!, placed, engine)] as const,
    );
    const model: LoadedModel = {
      byteLength: plan.weightBytes,
      packedFile,
      executables: Object.fromEntries(executables),
      createState: () => new CpuState(kv, engine, memory, plan),
      dispose: async () => {
        this.#models.delete(model);
        await engine.dispose();
      },
    };
    this.#models.add(model);
    return model;
  }
}

/** Where less is at stake, large pages are cleared in no time, and a small model's tokens are a percent or two faster. */
const LEAST_SPARSE_BYTES = 32 << 20;

/** Short prompts use few rows of the work space and of the first blocks. */
function limitsOf({ work, end, maximumBytes }: ModelPlan, kv: KvPlan): EngineLimits {
  const firstBlocks = Math.min(end + kvTableBytes(kv) + kvGroupBytes(kv), maximumBytes);
  const sparse = { address: work.address, byteLength: firstBlocks - work.address };
  const isWorthIt = sparse.byteLength >= LEAST_SPARSE_BYTES;
  return { initialBytes: end, maximumBytes, ...(isWorthIt && { sparse }) };
}

async function writePrograms(engine: Engine, plan: ModelPlan): Promise<void> {
  const writes = Object.values(plan.graphs).map(({ lowered, address }) => ({
    address,
    data: new Uint8Array(lowered.program.words.buffer),
  }));
  await engine.call({ writes });
}

function checkKv({ blockRows }: KvPlan): void {
  if (blockRows === KV_BLOCK_ROWS) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `The CPU backend keeps the KV cache in blocks of ${KV_BLOCK_ROWS} rows, not ${blockRows}.`,
  );
}
