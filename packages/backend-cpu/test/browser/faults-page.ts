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
  /** Why the model was loaded again, each time. */
  readonly recoveries?: readonly { readonly code: string; readonly message: string }[];
}

export interface FaultsPage {
  /** Loads with the first of the backends that serves, and generates. */
  attempt(backends: readonly CpuOptions[]): Promise<Outcome>;
  /** The same, and the worker fails after the third token. */
  loseWorker(): Promise<Outcome>;
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
    const { rejected, capabilities, recoveries } = model.backend;
    return {
      tokenIds,
      threads: capabilities.threads,
      rejected: rejected.map(({ error }) => error.code),
      recoveries: recoveries.map(({ reason: { code, message } }) => ({ code, message })),
    };
  } catch (error) {
    if (!isMilletError(error)) throw error;
    return { error: { code: error.code, message: error.message } };
  } finally {
    await model?.dispose();
  }
}

async function loseWorker(): Promise<Outcome> {
  let tokens = 0;
  // null is no message of the protocol: the worker's handler throws.
  return attempt([{}], () => {
    if (++tokens === 3) workers.at(-1)!.postMessage(null);
  });
}

window.faults = { attempt, loseWorker };
