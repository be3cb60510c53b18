/**
 * onnxruntime-node whose CPU provider poses as others, as slow and as faulty as a test wants it: the accelerators that no test
 * machine has.
 */
import ort from "onnxruntime-node";
import type { OrtLike, OrtSession, OrtSessionOptions, OrtTensor } from "../../src/runtime/ort.js";

type Tensors = Readonly<Record<string, OrtTensor>>;

/** What is wrong with the runtime; `provider` is the first that a session asks for. */
export interface Faults {
  /** What it says it has. Default: nnapi, xnnpack and cpu. */
  readonly providers?: readonly string[];
  /** Milliseconds that a run of a chunk takes longer, by provider: "nnapi", or "nnapi cpuOnly" with that flag. */
  readonly delays?: Readonly<Record<string, number>>;
  /** Called before a session is made; may throw. */
  readonly onCreate?: (provider: string, path: string) => void;
  /** Called before a run, counted from 1 for each provider; may throw. Then it computes with other embeddings. */
  readonly onRun?: (provider: string, run: number) => "nan" | "wrong" | undefined;
}

export interface OpenedSession {
  readonly provider: string;
  readonly path: string;
  readonly options: OrtSessionOptions | undefined;
  runs: number;
  released: boolean;
}

/** The runtime and the sessions that it made. */
export function posingRuntime({ providers = ["nnapi", "xnnpack", "cpu"], ...faults }: Faults = {}) {
  const opened: OpenedSession[] = [];
  const counts = new Map<string, number>();
  const runtime: OrtLike = {
    Tensor: ort.Tensor,
    env: { versions: { common: "1.24.3", "react-native": "1.24.3" } },
    listSupportedBackends: () => providers.map((name) => ({ name })),
    InferenceSession: {
      async create(model: string | Uint8Array, options?: OrtSessionOptions) {
        const provider = providerOf(options);
        const path = typeof model === "string" ? model : "";
        faults.onCreate?.(provider, path);
        const session: OrtSession = await ort.InferenceSession.create(model as string, {
          intraOpNumThreads: 1,
        });
        const state = { provider, path, options, runs: 0, released: false };
        opened.push(state);
        const run = async (feeds: Tensors, fetches?: Readonly<Record<string, OrtTensor | null>>) => {
          const count = (counts.get(provider) ?? 0) + 1;
          counts.set(provider, count);
          state.runs++;
          const fault = faults.onRun?.(provider, count);
          const delay = faults.delays?.[provider];
          if (delay && takesChunk(feeds)) await new Promise((done) => setTimeout(done, delay));
          const given = fault === undefined ? feeds : spoilt(feeds, fault);
          return fetches ? session.run(given, fetches) : session.run(given);
        };
        return {
          inputNames: session.inputNames,
          outputNames: session.outputNames,
          run,
          async release() {
            state.released = true;
            await session.release();
          },
        };
      },
    },
  };
  return { runtime, opened, counts };
}

function providerOf(options: OrtSessionOptions | undefined): string {
  const [first = "cpu"] = options?.executionProviders ?? [];
  if (typeof first === "string") return first;
  return first.cpuOnly ? `${first.name} cpuOnly` : first.name;
}

/** Steps of a token are as fast as they are, so that tests are. */
function takesChunk({ "embedding.0": embedding }: Tensors): boolean {
  return embedding !== undefined && embedding.dims[0]! > 1;
}

/** All that depends on embeddings comes out wrong, and cached rows of earlier calls stay as they are. */
function spoilt(feeds: Tensors, how: "nan" | "wrong"): Tensors {
  const changed = Object.entries(feeds).map(([name, { type, data, dims }]) => {
    if (!name.startsWith("embedding.") || type !== "float32" || !(data instanceof Float32Array)) return [];
    const values = data.map((x, i) => (how === "nan" ? Number.NaN : x + (i % 3)));
    return [[name, new ort.Tensor(type, values, dims)] as const];
  });
  return { ...feeds, ...Object.fromEntries(changed.flat()) };
}
