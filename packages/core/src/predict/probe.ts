/**
 * The micro-benchmark: loads a scaled model on a backend, by the backend's own packing and kernels, and times its steps.
 * What it finds is about the scaled model; compose.ts makes predictions of it.
 */
import type { Backend, Executable, GraphSet, LoadedModel, State } from "../backend/backend.js";
import { throwIfAborted } from "../errors.js";
import { rowLogits } from "../generate/position-logits.js";
import { sampleToken } from "../generate/sampler.js";
import type { KvPlan } from "../graph/kv.js";
import { viewAs } from "../tensor/tensor.js";
import type { WeightSources } from "../tensor/weights.js";
import { median } from "./median.js";
import { type ProbeRows, probeInputs } from "./probe-calls.js";

export interface ProbeRequest {
  readonly graphs: GraphSet;
  readonly weights: WeightSources;
  readonly kv: KvPlan;
  readonly vocabulary: number;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds, several of each. */
export interface ProbeTimes {
  /** A decode step as a whole, and without the output matrix; one beside the other. */
  readonly decode: readonly number[];
  readonly decodeLayers: readonly number[];
  /** A full chunk of the prompt, without the output matrix. */
  readonly prompt: readonly number[];
  readonly promptChunkTokens: number;
  /** Choosing a token on the host; 0 where the device does it. */
  readonly sampling: number;
  /** Before the first weight was read, and from then on. */
  readonly startMs: number;
  readonly packMs: number;
  readonly packedBytes: number;
}

const LEAST_RUNS = 5;
const DECODE_BUDGET_MS = 400;
const PROMPT_BUDGET_MS = 400;
const MOST_RUNS = 60;
/** A prompt's chunk has no more tokens than so many milliseconds of decode steps: on slow devices a full one takes minutes. */
const CHUNK_BUDGET_MS = 10_000;
const LEAST_CHUNK_TOKENS = 8;

/** @throws MilletError what load and runs fail with, ABORTED */
export async function probe(backend: Backend, request: ProbeRequest): Promise<ProbeTimes> {
  const { graphs, weights, kv, signal } = request;
  const begin = performance.now();
  let [startMs, packedBytes] = [0, 0];
  const model = await backend.load(graphs, weights, kv, {
    ...(signal && { signal }),
    onProgress: ({ totalBytes }) => {
      if (startMs === 0) startMs = performance.now() - begin;
      packedBytes = totalBytes;
    },
  });
  const packMs = performance.now() - begin - startMs;
  try {
    return { ...(await timeSteps(model, request)), startMs, packMs, packedBytes };
  } finally {
    await model.dispose();
  }
}

async function timeSteps(model: LoadedModel, request: ProbeRequest) {
  const state = model.createState();
  try {
    await state.reserve(request.kv.maxBlocks);
    return await new StepTimer(model, state, request).run();
  } finally {
    state.dispose();
  }
}

class StepTimer {
  readonly #decode: Executable;
  readonly #prompt: Executable;

  constructor(
    model: LoadedModel,
    private readonly state: State,
    private readonly request: ProbeRequest,
  ) {
    this.#decode = model.executables.decode!;
    this.#prompt = model.executables.prompt!;
  }

  async run() {
    const { promptTokens, generatedTokens } = this.request;
    // The middle of the answer, and a chunk around the middle of the prompt: costs grow with the position.
    const position = promptTokens + (generatedTokens >> 1);
    const most = Math.min(this.#prompt.graph.inputs.tokens!.spec.shape[0]!, promptTokens);
    const whole = { position, tokens: 1, logits: 1 };
    const few = Math.min(LEAST_CHUNK_TOKENS, most);
    await this.#time(this.#prompt, { position: (promptTokens - few) >> 1, tokens: few, logits: 0 });
    await this.#time(this.#decode, whole);
    const [decode, decodeLayers]: [number[], number[]] = [[], []];
    const sampling: number[] = [];
    await repeat(DECODE_BUDGET_MS, async () => {
      const { ms, samplingMs } = await this.#time(this.#decode, whole);
      decode.push(ms);
      sampling.push(samplingMs);
      const layers = await this.#time(this.#decode, { ...whole, logits: 0 });
      decodeLayers.push(layers.ms);
      return ms + layers.ms;
    });
    const affordable = Math.floor(CHUNK_BUDGET_MS / Math.max(median(decode), 1));
    const chunk = Math.min(most, Math.max(LEAST_CHUNK_TOKENS, affordable));
    const before = (promptTokens - chunk) >> 1;
    const prompt: number[] = [];
    await repeat(PROMPT_BUDGET_MS, async () => {
      const { ms } = await this.#time(this.#prompt, { position: before, tokens: chunk, logits: 0 });
      prompt.push(ms);
      return ms;
    });
    return {
      decode,
      decodeLayers,
      prompt,
      promptChunkTokens: chunk,
      sampling: sampling.sort((a, b) => a - b)[sampling.length >> 1] ?? 0,
    };
  }

  async #time(executable: Executable, rows: ProbeRows): Promise<{ ms: number; samplingMs: number }> {
    throwIfAborted(this.request.signal, "Measuring the speed");
    const begin = performance.now();
    const inputs = probeInputs(executable.graph, rows, this.request.vocabulary);
    const outputs = executable.run({ inputs, state: this.state });
    const samples = outputs.candidates !== undefined && rows.logits > 0;
    const wanted = samples ? outputs.candidates : outputs.logits;
    for (const output of Object.values(outputs)) if (output !== wanted) output.dispose();
    const result = await wanted!.read();
    const ms = performance.now() - begin;
    if (samples || rows.logits === 0) return { ms, samplingMs: 0 };
    const start = performance.now();
    sampleToken(rowLogits(viewAs(result, "f32")), [], GREEDY, 0);
    return { ms, samplingMs: performance.now() - start };
  }
}

const GREEDY = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  frequencyPenalty: 0,
  presencePenalty: 0,
  penaltyTokens: 0,
  logitBias: new Map<number, number>(),
  seed: 0,
};

/** Runs until the time is spent, and some times at least, of which long steps need fewer: they vary less. */
async function repeat(budgetMs: number, run: () => Promise<number>): Promise<void> {
  let spent = 0;
  for (let runs = 0; runs < MOST_RUNS && (runs < LEAST_RUNS || spent < budgetMs); runs++) {
    if (spent > (runs >= 2 ? 4 : 10) * budgetMs) return;
    spent += await run();
  }
}
