/** The page of the fault tests: tries to load and generate with the options given, and tells how it ended. */
import { type CpuOptions, cpu } from "@millet/backend-cpu";
import { isMilletError, loadModel, type Model } from "@millet/core";

/** How an attempt ended, as plain data. */
export interface Outcome {
  readonly tokenIds?: readonly number[];
  readonly error?: { readonly code: string; readonly message: string };
  readonly threads?: number;
  /** Codes of the backends that did not serve. */
  readonly rejected?: readonly string[];
}

export interface FaultsPage {
  /** Loads with the first of the backends that serves, and generates. */
  attempt(backends: readonly CpuOptions[]): Promise<Outcome>;
  /** A worker fails after the first token; then the same again, undisturbed. */
  loseWorker(): Promise<{ readonly lost: Outcome; readonly again: Outcome }>;
}

declare global {
  interface Window {
    faults: FaultsPage;
  }
}

const workers: Worker[] = [];
window.Worker = class extends Worker {
  constructor(...args: ConstructorParameters<typeof Worker>) {
    super(...args);
    workers.push(this);
  }
};

async function attempt(backends: readonly CpuOptions[], onToken = () => {}): Promise<Outcome> {
  let model: Model | undefined;
  try {
    const source = new URL("/model.gguf", location.href);
    model = await loadModel(source, { backend: backends.map((options) => cpu(options)) });
    const stream = model.generate("Once upon a time", { temperature: 0, maxTokens: 32 });
    for await (const _ of stream) onToken();
    const { tokenIds } = await stream.result;
    const { rejected, capabilities } = model.backend;
    return { tokenIds, threads: capabilities.threads, rejected: rejected.map(({ error }) => error.code) };
  } catch (error) {
    if (!isMilletError(error)) throw error;
    return { error: { code: error.code, message: error.message } };
  } finally {
    await model?.dispose();
  }
}

async function loseWorker(): Promise<{ lost: Outcome; again: Outcome }> {
  // null is no message of the protocol: the worker's handler throws.
  const lost = await attempt([{}], () => workers.at(-1)?.postMessage(null));
  return { lost, again: await attempt([{}]) };
}

window.faults = { attempt, loseWorker };
