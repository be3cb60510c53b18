/**
 * nnapi(): a backend for Android that computes prompts on an accelerator where that is faster and right, and everything else
 * on the CPU. It measures itself and says what it found; without an accelerator it is its fallback.
 */
import type {
  Backend,
  BackendFactory,
  Capabilities,
  Estimate,
  GraphSet,
  KvPlan,
  LoadedModel,
  LoadOptions,
} from "@millet/core/backend";
import { MilletError } from "@millet/core/errors";
import type { Node } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import type { WeightSources } from "@millet/core/tensor";
import { canEmit } from "../emit/emit.js";
import { onnxRuntime } from "../onnx-backend/backend.js";
import { runtimeVersion } from "../runtime/guard.js";
import { installedRuntime } from "../runtime/installed.js";
import type { OrtLike } from "../runtime/ort.js";
import type { FormMaker } from "./form.js";
import { loadModel } from "./load.js";
import { type NnapiOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import type { NnapiPlan } from "./plan.js";
import { PlanDraft } from "./plan-draft.js";
import { candidateText, reasonText } from "./plan-text.js";
import { sessionOptions } from "./providers.js";
import { w8a8Form } from "./w8a8-form.js";

export interface NnapiFactory extends BackendFactory {
  /** Of the latest load; undefined before the first. It changes if the accelerator fails while it is in use. */
  readonly plan: NnapiPlan | undefined;
}

/**
 * A backend for `loadModel` on Android:
 *
 *     const backend = nnapi({ ort: () => import("onnxruntime-react-native"), files, calibration });
 *     const model = await loadModel(source, { backend });
 *     console.log(String(backend.plan));
 *
 * Loading rejects with INVALID_ARGUMENT or CALIBRATION_INVALID for options that are wrong, ORT_RN_NOT_INSTALLED if there is
 * neither a runtime nor a fallback, and with strict also with the reason why no accelerator serves: NNAPI_*, CALIBRATION_*,
 * BACKEND_UNAVAILABLE, OUT_OF_MEMORY, STORE_*, ORT_RN_*.
 */
export function nnapi(options: NnapiOptions): NnapiFactory {
  return acceleratedBackend(options, w8a8Form);
}

/** @param makeForm how prompts become ONNX for the accelerator */
export function acceleratedBackend(given: NnapiOptions, makeForm: FormMaker): NnapiFactory {
  let latest: PlanDraft | undefined;
  return {
    name: "nnapi",
    get plan() {
      return latest?.plan;
    },
    async create(createOptions) {
      const options = resolveOptions(given);
      const ort = await installedRuntime(given.ort);
      if (ort instanceof MilletError && (options.strict || !options.fallback)) throw ort;
      const factory = options.fallback ?? cpuProvider(ort, options);
      const fallback = await factory.create(createOptions);
      return new NnapiBackend(options, ort, fallback, makeForm, (draft) => {
        latest = draft;
      });
    },
  };
}

/** The same runtime without an accelerator. From memory, so that it serves where no file can be written. */
function cpuProvider(ort: OrtLike | MilletError, options: ResolvedOptions): BackendFactory {
  if (ort instanceof MilletError) throw ort;
  const { files, activations, shardBytes, threads } = options;
  if (!files || threads === undefined) return onnxRuntime({ ort, activations, shardBytes });
  return onnxRuntime({ ort, files, activations, session: sessionOptions("cpu", options) });
}

class NnapiBackend implements Backend {
  readonly name = "nnapi";
  readonly lost: Promise<MilletError>;
  readonly #options: ResolvedOptions;
  readonly #ort: OrtLike | MilletError;
  readonly #fallback: Backend;
  readonly #makeForm: FormMaker;
  readonly #onDraft: (draft: PlanDraft) => void;
  #draft: PlanDraft | undefined;

  constructor(
    options: ResolvedOptions,
    ort: OrtLike | MilletError,
    fallback: Backend,
    makeForm: FormMaker,
    onDraft: (draft: PlanDraft) => void,
  ) {
    this.#options = options;
    this.#ort = ort;
    this.#fallback = fallback;
    this.#makeForm = makeForm;
    this.#onDraft = onDraft;
    this.lost = fallback.lost;
  }

  get capabilities(): Capabilities {
    const { capabilities } = this.#fallback;
    const limit = this.#options.memoryLimitBytes ?? capabilities.memoryLimitBytes;
    const plan = this.#draft?.plan;
    const common = { ...capabilities, kvDTypes: ["f32"] as const, memoryLimitBytes: limit };
    if (!plan) return common;
    const reasons = plan.reasons.map(reasonText);
    const { resolved, candidates } = plan;
    if (resolved === "none") {
      return { ...common, limitations: [...reasons, ...capabilities.limitations] };
    }
    return {
      ...common,
      description: `ONNX Runtime, prompts on ${resolved}, everything else on cpu`,
      engine: resolved,
      choices: [...reasons, ...candidates.map((candidate) => `${candidateText(candidate)}.`)],
    };
  }

  supports(node: Node): boolean {
    return canEmit(asOpNode(node)) && this.#fallback.supports(node);
  }

  estimate(graphs: GraphSet, kv: KvPlan): Estimate {
    return this.#fallback.estimate(graphs, kv);
  }

  load(graphs: GraphSet, weights: WeightSources, kv: KvPlan, load: LoadOptions = {}): Promise<LoadedModel> {
    const draft = new PlanDraft(
      this.#options,
      this.#fallback.name,
      this.#ort instanceof MilletError ? "none" : runtimeVersion(this.#ort),
    );
    this.#draft = draft;
    this.#onDraft(draft);
    return loadModel({
      graphs,
      weights,
      kv,
      load,
      options: this.#options,
      ort: this.#ort,
      fallback: this.#fallback,
      makeForm: this.#makeForm,
      draft,
    });
  }

  dispose(): Promise<void> {
    return this.#fallback.dispose();
  }
}
