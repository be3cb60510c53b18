/**
 * The contest: some layers of the model run a chunk of tokens on each candidate, one after the other, and on the backend
 * that would compute prompts without them. A session that exists proves nothing; only times and results do.
 */
import type { Backend, KvPlan, LoadedModel } from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import type { WeightSources } from "@millet/core/tensor";
import { checkModel } from "../check/check.js";
import type { EmittedGraph } from "../emit/emit.js";
import { writeOnnx } from "../onnx/write.js";
import { loadComputations, modelOf } from "../onnx-backend/load.js";
import { runtimeError } from "../onnx-backend/session.js";
import type { RuntimeFiles } from "../runtime/files.js";
import { supportedProviders } from "../runtime/guard.js";
import type { OrtLike, OrtSessionOptions } from "../runtime/ort.js";
import { type Measurement, measure, relativeError, withLimit } from "./contest.js";
import type { PromptForm } from "./form.js";
import { judge, numericsProblem } from "./judge.js";
import { layerCount } from "./layers.js";
import type { CandidateName, ResolvedOptions } from "./options.js";
import { type CandidateReport, type PlanReason, reasonOf } from "./plan.js";
import { ProbeCall } from "./probe-call.js";
import { rejected, sessionOptions } from "./providers.js";
import type { Verdict } from "./remember.js";

/** Only then is it worth a look whether Android's own CPU implementation ran. */
const CLEARLY_SLOWER = 0.8;
const PROBE_FILE = "millet-nnapi-probe.onnx";

export interface ProbeSetting {
  /** The layers to be measured, with hidden states as their output. */
  readonly graph: Graph;
  /** Tokens of the chunk. */
  readonly tokens: number;
  readonly weights: WeightSources;
  readonly kv: KvPlan;
  readonly ort: OrtLike;
  readonly files: RuntimeFiles;
  readonly form: PromptForm;
  readonly baseline: Backend;
  readonly options: ResolvedOptions;
  readonly signal: AbortSignal | undefined;
}

/**
 * @throws MilletError what the baseline fails with, STORE_* if the shard cannot be written, ABORTED; failures of candidates
 *   are in the reports
 */
export async function probe(setting: ProbeSetting): Promise<Verdict> {
  const { graph, tokens, weights, kv, files, form, baseline, options, signal } = setting;
  const expected = await measured(await baseline.load({ prompt: graph }, weights, kv), setting);
  const emitted = await form.emit(graph, signal);
  const { model } = emitted;
  await files.write(PROBE_FILE, writeOnnx(model).chunks());
  try {
    const contest = new Contest(setting, emitted, expected);
    const onCpu = await contest.try("cpu");
    const reports: CandidateReport[] = [];
    for (const name of options.candidates) {
      throwIfAborted(signal, "Loading the model");
      reports.push(await contest.report(name, onCpu));
    }
    const { resolved, reasons } = judge(reports, options, baseline.name);
    return {
      resolved,
      reasons,
      candidates: reports,
      baseline: { name: baseline.name, seconds: expected.seconds },
      probed: { layers: layerCount(graph), tokens },
      measured: new Date().toISOString(),
    };
  } finally {
    await files.remove(PROBE_FILE);
  }
}

/** Runs a model of the layers, and frees it. */
async function measured(model: LoadedModel, { graph, tokens }: ProbeSetting): Promise<Measurement> {
  try {
    const call = await ProbeCall.create(model, graph, tokens);
    try {
      return await measure(() => call.run());
    } finally {
      call.dispose();
    }
  } finally {
    await withLimit(model.dispose());
  }
}

/** What became of a candidate; `error` if it has no measurement. */
interface Attempt {
  readonly created: boolean;
  readonly measurement?: Measurement | undefined;
  readonly error?: unknown;
}

/** What NNAPI would take of the layers by the rules. */
type Rules = Pick<CandidateReport, "partitions" | "leftToCpu">;

class Contest {
  readonly #setting: ProbeSetting;
  readonly #emitted: EmittedGraph;
  readonly #expected: Measurement;

  constructor(setting: ProbeSetting, emitted: EmittedGraph, expected: Measurement) {
    this.#setting = setting;
    this.#emitted = emitted;
    this.#expected = expected;
  }

  async try(name: CandidateName, sessions = sessionOptions(name, this.#setting.options)): Promise<Attempt> {
    let created = false;
    try {
      const loaded = await this.#load(sessions);
      created = true;
      return { created, measurement: await measured(loaded, this.#setting) };
    } catch (error) {
      return { created, error };
    }
  }

  async #load(sessions: OrtSessionOptions): Promise<LoadedModel> {
    const { ort, files, graph, weights, kv, signal } = this.#setting;
    const open = async () => {
      try {
        return await withLimit(ort.InferenceSession.create(files.path(PROBE_FILE), sessions));
      } catch (error) {
        throw runtimeError("open the accelerator's part", error);
      }
    };
    const loader = { ort, emit: () => this.#emitted, open };
    const load = loadComputations({ prompt: graph }, weights, loader, signal && { signal });
    return modelOf(await load, kv);
  }

  /** @param onCpu the same graph on the runtime's CPU provider */
  async report(name: CandidateName, onCpu: Attempt): Promise<CandidateReport> {
    const rules = name === "nnapi" ? this.#rules() : {};
    const problem = this.#problem(name, rules);
    if (problem) return { name, created: false, ...rules, reason: reasonOf(problem) };
    const { created, measurement, error } = name === "cpu" ? onCpu : await this.try(name);
    if (!measurement)
      return {
        name,
        created,
        ...rules,
        reason: reasonOf(
          rejected(error, `Provider "${name}" failed to ${created ? "run" : "open"} the first layers`),
        ),
      };
    const { seconds, result } = measurement;
    const speedup = this.#expected.seconds / Math.max(seconds, 1e-9);
    const toBaseline = relativeError(result, this.#expected.result);
    const toCpu = onCpu.measurement && relativeError(result, onCpu.measurement.result);
    const report = { name, created, seconds, speedup, ...rules };
    if (Number.isNaN(toBaseline)) return { ...report, reason: reasonOf(notFinite(name)) };
    const numerics = { toBaseline, ...(toCpu !== undefined && { toCpu }) };
    const reason =
      numericsProblem({ name, numerics }, this.#setting.baseline.name) ??
      (name === "nnapi" ? await this.#referenceProblem(seconds, speedup) : undefined);
    return { ...report, numerics, ...(reason && { reason }) };
  }

  /** What NNAPI would take of these layers by the rules. */
  #rules(): Rules {
    const { nodes, partitions } = checkModel(this.#emitted.model, {
      apiLevel: this.#setting.options.apiLevel,
    });
    const leftToCpu: Record<string, number> = {};
    for (const { opType, supported } of nodes) {
      if (!supported) leftToCpu[opType] = (leftToCpu[opType] ?? 0) + 1;
    }
    return { partitions: partitions.length, leftToCpu };
  }

  /** Why the candidate need not be tried. */
  #problem(name: CandidateName, { partitions, leftToCpu }: Rules): MilletError | undefined {
    const { ort, options } = this.#setting;
    const supported = supportedProviders(ort);
    if (supported !== undefined && !supported.includes(name)) {
      const what = `This build of ONNX Runtime has no provider "${name}", only ${supported.join(", ")}.`;
      return new MilletError("BACKEND_UNAVAILABLE", what);
    }
    if (partitions !== 0) return undefined;
    return new MilletError(
      "NNAPI_NODE_UNSUPPORTED",
      `By the rules NNAPI takes no node of these layers at API level ${options.apiLevel}; it leaves ` +
        `${Object.keys(leftToCpu ?? {}).join(", ")} to the CPU. checkNnapi() tells the rules.`,
    );
  }

  /** Whether it is about as slow as Android's own CPU implementation, which it can be told to take. */
  async #referenceProblem(seconds: number, speedup: number): Promise<PlanReason | undefined> {
    const { options } = this.#setting;
    const isFast = speedup > CLEARLY_SLOWER || speedup >= options.minSpeedup;
    if (isFast || options.flags.cpuDisabled || options.apiLevel < 29) return undefined;
    const { measurement } = await this.try("nnapi", sessionOptions("nnapi", options, { cpuOnly: true }));
    const isReference = measurement !== undefined && seconds > 0.7 * measurement.seconds;
    return isReference ? reasonOf(referenceOnly(seconds, speedup)) : undefined;
  }
}

function notFinite(name: CandidateName): MilletError {
  const what = `Provider "${name}" returned numbers that are not finite.`;
  return new MilletError("NNAPI_DRIVER_REJECTED", what);
}

function referenceOnly(seconds: number, speedup: number): MilletError {
  return new MilletError(
    "NNAPI_REFERENCE_ONLY",
    `NNAPI took ${(seconds * 1000).toFixed(0)} ms, ${(1 / speedup).toFixed(1)} times as long as the CPU and about as long as ` +
      "Android's reference implementation on the CPU: this device has no accelerator that takes the model.",
    { details: { seconds, speedup } },
  );
}
