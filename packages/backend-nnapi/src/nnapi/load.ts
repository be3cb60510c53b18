/**
 * One load of a model: whether an accelerator may have it, which one, and what to do without. Whatever goes wrong on the way
 * is a reason in the plan, and the fallback serves; `strict` makes it the load's failure.
 */
import type { Backend, GraphSet, KvPlan, LoadedModel, LoadOptions } from "@millet/core/backend";
import { isMilletError, MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import { OnnxBackend, openModel } from "../onnx-backend/backend.js";
import { whyNotInPlace } from "../onnx-backend/probe-in-place.js";
import type { RuntimeFiles } from "../runtime/files.js";
import { runtimeVersion } from "../runtime/guard.js";
import type { OrtLike } from "../runtime/ort.js";
import { loadAccelerated } from "./accelerated.js";
import type { FormMaker, PromptForm } from "./form.js";
import { before } from "./layers.js";
import { planMemory } from "./memory.js";
import type { ResolvedOptions } from "./options.js";
import { type PlanReason, reasonOf } from "./plan.js";
import type { PlanDraft } from "./plan-draft.js";
import { probe } from "./probe.js";
import { sessionOptions } from "./providers.js";
import { recall, remember, type Verdict } from "./remember.js";
import { cutAfter } from "./segments.js";
import { ShardFiles } from "./shard-files.js";

/** Layers that are measured: enough that what a call costs besides does not count. */
const PROBED_LAYERS = 2;

export interface LoadSetting {
  readonly graphs: GraphSet;
  readonly weights: WeightSources;
  readonly kv: KvPlan;
  readonly load: LoadOptions;
  readonly options: ResolvedOptions;
  /** Or why there is none. */
  readonly ort: OrtLike | MilletError;
  readonly fallback: Backend;
  readonly makeForm: FormMaker;
  readonly draft: PlanDraft;
}

/** @throws MilletError ABORTED; the reason why no accelerator serves, if options are strict; else what the fallback throws */
export async function loadModel(setting: LoadSetting): Promise<LoadedModel> {
  const { graphs, weights, kv, load, options, fallback, draft } = setting;
  try {
    return await new Attempt(setting).load();
  } catch (error) {
    throwIfAborted(load.signal, "Loading the model");
    draft.set({ resolved: "none", fallback: fallback.name });
    if (!(error instanceof NoWinner)) draft.add(reasonOf(error));
    if (options.strict || isOfTheModel(error)) throw error;
    return fallback.load(graphs, weights, kv, load);
  }
}

/** Its reasons are in the plan. */
class NoWinner extends MilletError {}

class Attempt {
  readonly #setting: LoadSetting;

  constructor(setting: LoadSetting) {
    this.#setting = setting;
  }

  async load(): Promise<LoadedModel> {
    const { graphs, weights, kv, load, options } = this.#setting;
    const { ort, files, prompt } = this.#needs();
    const layers = this.#planMemory(prompt);
    const reason = await whyNotInPlace(ort, (model) => openModel({ ort }, model));
    if (reason !== undefined) throw new MilletError("BACKEND_UNAVAILABLE", reason);
    const form = await this.#setting.makeForm(weights, options, load.signal);
    if (form instanceof MilletError) throw form;
    const key = keyOf(this.#setting, layers, form, ort);
    const verdict = await this.#verdict(ort, files, prompt, layers, form, key);
    const { resolved } = verdict;
    if (resolved === "none") throw noWinner(verdict.reasons);
    const session = sessionOptions("cpu", options);
    const cpu = new OnnxBackend({ ort, files, session, activations: options.activations });
    this.#setting.draft.set({ fallback: cpu.name });
    const shards = await ShardFiles.open(files, form.model, shardKey(options, layers, form));
    const model = await loadAccelerated(
      cpu,
      graphs,
      weights,
      kv,
      {
        ort,
        session: sessionOptions(resolved, options),
        shards,
        form,
        layers,
        shardBytes: options.shardBytes,
        leastTokens: this.#leastTokens(verdict, prompt),
        onFailure: (error) => this.#failed(error, files, key, verdict),
      },
      load,
    );
    this.#noteBytes(shards.byteLength);
    return model;
  }

  /** @throws MilletError naming what is missing */
  #needs(): { ort: OrtLike; files: RuntimeFiles; prompt: Graph } {
    const { ort, options, graphs } = this.#setting;
    const { files } = options;
    const prompt = graphs.prompt;
    if (ort instanceof MilletError) throw ort;
    if (!files) {
      throw new MilletError(
        "ORT_RN_BUFFER_LOAD_IGNORES_OPTIONS",
        "Providers count only for models that the runtime opens by their path: pass nnapi() an object `files` that writes " +
          "files on this platform.",
      );
    }
    if (prompt) return { ort, files, prompt };
    throw new MilletError(
      "GRAPH_UNSUPPORTED_OP",
      "Accelerators are used for prompts, and this model has none.",
    );
  }

  /** @returns layers for the accelerator @throws MilletError NNAPI_MEMORY_BUDGET if there is no room for any */
  #planMemory(prompt: Graph): number {
    const { graphs, kv, fallback, options, draft } = this.#setting;
    const { weightBytes } = fallback.estimate(graphs, kv);
    const { report, problem } = planMemory(prompt, { weightBytes, kv }, options);
    draft.set({ memory: report });
    if (problem && report.acceleratedLayers === 0) throw problem;
    if (problem) draft.add(reasonOf(problem));
    if (cutAfter(prompt, report.acceleratedLayers)) return report.acceleratedLayers;
    throw new MilletError(
      "GRAPH_UNSUPPORTED_OP",
      "The model keeps more than one value between its layers, and accelerators get parts that end with one.",
    );
  }

  /** What was planned with a byte a weight: layers that 8 bits would cost too much are larger. */
  #noteBytes(acceleratorBytes: number): void {
    const { draft } = this.#setting;
    const memory = draft.plan.memory!;
    const totalBytes = memory.totalBytes - memory.acceleratorBytes + acceleratorBytes;
    draft.set({ memory: { ...memory, acceleratorBytes, totalBytes } });
  }

  async #verdict(
    ort: OrtLike,
    files: RuntimeFiles,
    prompt: Graph,
    layers: number,
    form: PromptForm,
    key: string,
  ): Promise<Verdict> {
    const { weights, kv, fallback: baseline, options, load, draft } = this.#setting;
    const known = options.probe === "remember" ? await recall(files, key) : undefined;
    const few = cutAfter(prompt, Math.min(PROBED_LAYERS, layers));
    const graph = before(prompt, few ?? cutAfter(prompt, layers)!);
    const tokens = chunkTokens(prompt, options.chunk);
    const setting = { graph, tokens, weights, kv, ort, files, form, baseline, options, signal: load.signal };
    const verdict = known ?? (await probe(setting));
    const { reasons, ...facts } = verdict;
    draft.set({ ...facts, remembered: known !== undefined });
    for (const reason of reasons) draft.add(reason);
    if (!known) await this.#remember(files, key, verdict);
    return verdict;
  }

  async #remember(files: RuntimeFiles, key: string, verdict: Verdict): Promise<void> {
    try {
      await remember(files, key, verdict);
    } catch (error) {
      this.#setting.draft.add({ message: `The choice is not remembered: ${reasonOf(error).message}` });
    }
  }

  /** A chunk of fixed size takes the accelerator as long for one token as for all; the CPU takes its time by the token. */
  #leastTokens({ candidates, resolved }: Verdict, prompt: Graph): number {
    const speedup = candidates.find(({ name }) => name === resolved)?.speedup ?? 1;
    return Math.max(1, Math.ceil(chunkTokens(prompt, this.#setting.options.chunk) / Math.max(speedup, 1)));
  }

  #failed(error: MilletError, files: RuntimeFiles, key: string, verdict: Verdict): void {
    const { draft, options } = this.#setting;
    draft.set({ resolved: "none" });
    draft.add(reasonOf(error));
    if (error.code !== "OUT_OF_MEMORY") {
      const reasons = [reasonOf(error)];
      void this.#remember(files, key, { ...verdict, resolved: "none", reasons });
    }
    if (options.strict) throw error;
  }
}

/** Tokens that a chunk has at most: no more than the step's, nor than a sequence may have. */
function chunkTokens({ nodes }: Graph, chunk: number): number {
  const inputs = nodes.find(({ op }) => op === "attention")?.inputs;
  const [tokens, columns] = [inputs?.[3]?.spec.shape[0] ?? chunk, inputs?.[6]?.spec.shape[1] ?? 1];
  return Math.min(chunk, tokens, columns * 32);
}

/** What the files of shards depend on. */
function shardKey({ chunk, shardBytes }: ResolvedOptions, layers: number, form: PromptForm): string {
  return JSON.stringify([form.key, chunk, layers, shardBytes]);
}

/** Measurements count for this device, runtime, model, and way of making and running it. */
function keyOf({ options, graphs }: LoadSetting, layers: number, form: PromptForm, ort: OrtLike): string {
  const { device, apiLevel, chunk, plan, maxNnapiBytes, shardBytes, minSpeedup, candidates, flags, threads } =
    options;
  const asked = { apiLevel, chunk, plan, maxNnapiBytes, shardBytes, minSpeedup, candidates, flags, threads };
  return JSON.stringify([
    device,
    runtimeVersion(ort),
    form.key,
    chunkTokens(graphs.prompt!, chunk),
    layers,
    asked,
  ]);
}

/** Other backends would fail with it just so. */
function isOfTheModel(error: unknown): boolean {
  return isMilletError(error) && /^(SOURCE|GGUF|SAFETENSORS|MODEL)_/.test(error.code);
}

function noWinner(reasons: readonly PlanReason[]): MilletError {
  const [first] = reasons;
  const message = reasons.map((reason) => reason.message).join(" ");
  return new NoWinner(first?.code ?? "NNAPI_SLOWER_THAN_CPU", message, { details: { reasons } });
}
