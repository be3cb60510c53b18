/**
 * Tries on the device, before a model is loaded, every kind of kernel that it will use, in the variants that the device's
 * features allow. A feature with which a family of kernels gives wrong results is not used for that family; a device on
 * which even the plain kernels are wrong serves no model.
 */
import { type Backend, type GraphSet, type KvPlan, type LoadedModel, reference } from "@millet/core/backend";
import { isMilletError, MilletError } from "@millet/core/errors";
import { type HostTensor, viewAs } from "@millet/core/tensor";
import type { Device } from "../device/device.js";
import {
  type KernelFamily,
  type KernelFeature,
  type KernelFeatures,
  noFeatures,
} from "../kernels/features.js";
import { type SelfTestCase, selfTestCases } from "./cases.js";
import { normalisedError } from "./error.js";

/** Largest normalised mean squared error: GPUs are free in the last bits of exp and of roots, and in no more. */
const TOLERANCE = 1e-8;

/** Loads a case with the given features. */
export type LoadCase = (one: SelfTestCase, features: ReadonlySet<KernelFeature>) => Promise<LoadedModel>;

export interface SelfTestReport {
  readonly features: KernelFeatures;
  /** What is not used and why; full sentences. */
  readonly limitations: readonly string[];
}

/**
 * Outcomes by device and driver, case and features: neither a second model nor a model that is loaded again after the loss
 * of a device need try again.
 */
const known = new Map<string, Promise<string | undefined>>();

/** Forgets all outcomes. For tests. */
export function resetSelfTests(): void {
  known.clear();
}

/**
 * @param tried features that kernels may use
 * @throws MilletError BACKEND_UNAVAILABLE if plain kernels give wrong results; BACKEND_LOST, OUT_OF_MEMORY, ABORTED
 */
export async function selfTest(
  device: Device,
  tried: ReadonlySet<KernelFeature>,
  graphs: GraphSet,
  kv: KvPlan,
  load: LoadCase,
): Promise<SelfTestReport> {
  const features = { ...noFeatures() };
  const limitations: string[] = [];
  const cases = selfTestCases(graphs, kv, tried);
  for (const family of new Set(cases.map((one) => one.family))) {
    const own = cases.filter((one) => one.family === family);
    const allowed = new Set(tried);
    const problem = await firstProblem(device, own, allowed, load);
    if (problem !== undefined) {
      for (const feature of await faulty(device, tried, family, own, load)) {
        allowed.delete(feature);
        limitations.push(
          `Kernels of ${family} with ${feature} give wrong results on this device, so plain ones are used: ${problem}.`,
        );
      }
    }
    features[family] = allowed;
  }
  return { features, limitations };
}

/** Features that are wrong by themselves, or all of them if only their combination is. */
async function faulty(
  device: Device,
  tried: ReadonlySet<KernelFeature>,
  family: KernelFamily,
  cases: readonly SelfTestCase[],
  load: LoadCase,
): Promise<readonly KernelFeature[]> {
  const plain = await firstProblem(device, cases, new Set(), load);
  if (plain !== undefined) throw wrongDevice(device, family, plain);
  const wrong: KernelFeature[] = [];
  for (const feature of tried) {
    if ((await firstProblem(device, cases, new Set([feature]), load)) !== undefined) wrong.push(feature);
  }
  return wrong.length > 0 ? wrong : [...tried];
}

async function firstProblem(
  device: Device,
  cases: readonly SelfTestCase[],
  features: ReadonlySet<KernelFeature>,
  load: LoadCase,
): Promise<string | undefined> {
  for (const one of cases) {
    const problem = await outcome(device, one, features, load);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What is wrong with a case; undefined if nothing is. */
function outcome(
  device: Device,
  one: SelfTestCase,
  features: ReadonlySet<KernelFeature>,
  load: LoadCase,
): Promise<string | undefined> {
  const key = `${device.key}; ${one.name}; ${[...features].sort().join(", ")}`;
  let running = known.get(key);
  if (!running) {
    running = tryCase(one, features, load);
    known.set(key, running);
    running.catch(() => known.delete(key));
  }
  return running;
}

async function tryCase(
  one: SelfTestCase,
  features: ReadonlySet<KernelFeature>,
  load: LoadCase,
): Promise<string | undefined> {
  const exact = await reference().create();
  const expected = await outputsOf(await loadOn(exact, one), one);
  let actual: readonly HostTensor[];
  try {
    actual = await outputsOf(await load(one, features), one);
  } catch (error) {
    // A kernel that does not compile or run is as bad as one that computes something else.
    if (isMilletError(error) && error.code === "BACKEND_FAILED") return error.message;
    throw error;
  }
  for (const [i, tensor] of actual.entries()) {
    const error = normalisedError(viewAs(tensor, "f32"), viewAs(expected[i]!, "f32"));
    if (!(error <= (one.tolerance ?? TOLERANCE))) return `${one.name} is off by ${error.toExponential(1)}`;
  }
  return undefined;
}

function loadOn(backend: Backend, { graph, weights, kv }: SelfTestCase): Promise<LoadedModel> {
  return backend.load({ case: graph }, weights, kv);
}

/** The outputs of all calls as float32; disposes of the model. */
async function outputsOf(model: LoadedModel, one: SelfTestCase): Promise<HostTensor[]> {
  try {
    const state = model.createState();
    await state.reserve(one.kv.maxBlocks);
    const results: HostTensor[] = [];
    for (const inputs of one.calls) {
      const outputs = Object.values(model.executables.case!.run({ inputs, state }));
      for (const tensor of await Promise.all(outputs.map((output) => output.read())))
        results.push(asFloats(tensor));
    }
    state.dispose();
    return results;
  } finally {
    await model.dispose();
  }
}

function asFloats(tensor: HostTensor): HostTensor {
  if (tensor.spec.dtype === "f32") return tensor;
  const values = Float32Array.from(viewAs(tensor, "i32"));
  return { spec: { ...tensor.spec, dtype: "f32" }, data: new Uint8Array(values.buffer) };
}

function wrongDevice(device: Device, family: KernelFamily, problem: string): MilletError {
  return new MilletError(
    "BACKEND_UNAVAILABLE",
    `${device.description} computes wrong results: in the self-test of ${family}, ${problem}. Update the driver or the ` +
      "browser, or use another backend.",
    { details: { reason: "self-test", family, problem } },
  );
}
