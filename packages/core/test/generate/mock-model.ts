/**
 * A model for tests of generation: its logits are a hash of exactly the tokens that a row may see, read back through
 * the block table, so that a row written or read at a wrong place changes everything after it.
 */
import {
  type Call,
  checkCall,
  type DeviceBuffer,
  type Executable,
  hostInputs,
  KV_BLOCK_ROWS,
  type KvPlan,
  type KvSnapshot,
  type LoadedModel,
  type State,
} from "../../src/backend/index.js";
import { MilletError } from "../../src/errors.js";
import type { EngineShape } from "../../src/generate/engine.js";
import { philox4x32 } from "../../src/generate/philox.js";
import type { SchedulerShape } from "../../src/generate/stepper.js";
import type { ModelSupply } from "../../src/generate/supply.js";
import { GraphBuilder } from "../../src/graph/builder.js";
import type { Graph } from "../../src/graph/graph.js";
import { declareStepInputs } from "../../src/models/decoder/step-inputs.js";
import { type HostTensor, tensorOf, viewAs } from "../../src/tensor/tensor.js";

export interface MockOptions {
  readonly vocabulary?: number;
  readonly maxBlocks?: number;
  readonly maxSequences?: number;
  readonly promptTokens?: number;
  readonly promptLogits?: number;
  readonly contextLength?: number;
  /** Waits before a call is computed. */
  readonly delayMs?: number;
  /** Most blocks that reserve() grants. */
  readonly memoryBlocks?: number;
}

type Inputs = Readonly<Record<string, HostTensor>>;

const GARBAGE = -1;

/** Rows hold the token and its position; a new or spoilt row holds garbage. */
export class MockState implements State {
  readonly plan: KvPlan;
  tokens = new Int32Array(0);
  positions = new Int32Array(0);
  disposed = false;
  readonly #memoryBlocks: number;

  constructor(plan: KvPlan, memoryBlocks: number) {
    this.plan = plan;
    this.#memoryBlocks = memoryBlocks;
  }

  async reserve(blocks: number): Promise<void> {
    if (blocks > Math.min(this.plan.maxBlocks, this.#memoryBlocks)) {
      throw new MilletError("OUT_OF_MEMORY", `No memory for ${blocks} blocks.`);
    }
    const grow = (old: Int32Array<ArrayBuffer>) => {
      const rows = new Int32Array(Math.max(old.length, blocks * this.plan.blockRows)).fill(GARBAGE);
      rows.set(old);
      return rows;
    };
    this.tokens = grow(this.tokens);
    this.positions = grow(this.positions);
  }

  async copy(fromRow: number, toRow: number, count: number): Promise<void> {
    this.tokens.copyWithin(toRow, fromRow, fromRow + count);
    this.positions.copyWithin(toRow, fromRow, fromRow + count);
  }

  async read(): Promise<KvSnapshot> {
    throw new MilletError("INVALID_ARGUMENT", "The mock has no snapshots.");
  }

  async write(): Promise<void> {
    throw new MilletError("INVALID_ARGUMENT", "The mock has no snapshots.");
  }

  dispose(): void {
    this.disposed = true;
  }
}

/** Logits that a mock model gives after `tokens`. [vocabulary] */
export function mockLogits(tokens: readonly number[], vocabulary: number): Float32Array {
  let hash = tokens.length;
  for (const token of tokens) hash = (Math.imul(hash ^ token, 0x01000193) + 0x9e3779b9) >>> 0;
  return Float32Array.from({ length: vocabulary }, (_, id) => {
    return (philox4x32([hash, id, 0, 0], [1, 2])[0] / 2 ** 32) * 8;
  });
}

export class MockModel implements LoadedModel {
  readonly byteLength = 0;
  readonly executables: Record<string, Executable>;
  readonly shape: EngineShape;
  readonly steps: SchedulerShape;
  readonly vocabulary: number;
  readonly states: MockState[] = [];
  /** Tokens and logits of each call, by graph. */
  readonly calls: { readonly graph: string; readonly tokens: number; readonly logits: number }[] = [];
  /** Taken by the next calls instead of computing. */
  readonly failures: MilletError[] = [];
  /** Called at the start of every call. */
  onCall: () => void = () => {};
  readonly #plan: KvPlan;
  readonly #memoryBlocks: number;
  readonly #delayMs: number;

  constructor(options: MockOptions = {}) {
    const { vocabulary = 50, maxSequences = 4, promptTokens = 16, contextLength = 128 } = options;
    const { promptLogits = maxSequences, maxBlocks = 64, memoryBlocks = Infinity, delayMs = 0 } = options;
    this.vocabulary = vocabulary;
    this.#memoryBlocks = memoryBlocks;
    this.#delayMs = delayMs;
    const blocksPerSequence = Math.ceil(contextLength / KV_BLOCK_ROWS);
    const limits = (tokens: number, logits: number) => ({ tokens, logits, sequences: maxSequences });
    const steps = {
      decode: limits(maxSequences, maxSequences),
      prompt: limits(promptTokens, promptLogits),
      blocksPerSequence,
    };
    this.steps = steps;
    this.shape = { contextLength, maxSequences, hidden: 1, generation: steps };
    this.#plan = {
      layers: 1,
      kvHeads: 1,
      headDim: 1,
      valueDim: 1,
      dtype: "f32",
      blockRows: KV_BLOCK_ROWS,
      maxBlocks,
    };
    this.executables = { decode: this.#executable("decode"), prompt: this.#executable("prompt") };
  }

  createState(): State {
    const state = new MockState(this.#plan, this.#memoryBlocks);
    this.states.push(state);
    return state;
  }

  async dispose(): Promise<void> {}

  #executable(name: "decode" | "prompt"): Executable {
    const graph = this.#graph(name);
    return { graph, run: (call) => this.#run(graph, call), toString: () => `mock ${name}` };
  }

  /** The step's inputs; what it computes is not in the graph. */
  #graph(name: "decode" | "prompt"): Graph {
    const builder = new GraphBuilder(name);
    const { blocksPerSequence } = this.steps;
    declareStepInputs(builder, { name, ...this.steps[name], blocksPerSequence }, 1);
    return builder.finish({});
  }

  #run(graph: Graph, call: Call): Record<string, DeviceBuffer> {
    const rows = checkCall(graph, call);
    this.calls.push({ graph: graph.name, ...rows });
    this.onCall();
    const logits = this.#compute(call, hostInputs(graph, call));
    logits.catch(() => undefined); // reported by read()
    const spec = { dtype: "f32", shape: [rows.logits, this.vocabulary] } as const;
    return { logits: { spec, read: () => logits, dispose: () => {} } };
  }

  async #compute(call: Call, inputs: Inputs): Promise<HostTensor> {
    const failure = this.failures.shift();
    const { state, signal } = call;
    if (!(state instanceof MockState) || state.disposed) throw new MilletError("DISPOSED", "No state.");
    const index = (name: string) => viewAs(inputs[name]!, "i32");
    if (failure || signal?.aborted) spoil(state, index("writeRows"));
    if (failure) throw failure;
    if (this.#delayMs > 0) await abortableDelay(this.#delayMs, signal);
    if (signal?.aborted) {
      spoil(state, index("writeRows"));
      throw new MilletError("ABORTED", "The call was aborted.");
    }
    index("writeRows").forEach((row, t) => {
      state.tokens[row] = index("tokens")[t]!;
      state.positions[row] = index("positions")[t]!;
    });
    const wanted = Array.from(index("logitRows"), (t) =>
      mockLogits(this.#seenBy(t, inputs, state), this.vocabulary),
    );
    const values = new Float32Array(wanted.length * this.vocabulary);
    wanted.forEach((row, r) => values.set(row, r * this.vocabulary));
    return tensorOf("f32", [wanted.length, this.vocabulary], values);
  }

  /** Tokens of the cached rows that row t may see, in order; checks that they are rows 0 to t's position. */
  #seenBy(t: number, inputs: Inputs, state: MockState): number[] {
    const index = (name: string) => viewAs(inputs[name]!, "i32");
    const s = index("sequences")[t]!;
    const position = index("positions")[t]!;
    if (position >= index("lengths")[s]!) throw new Error(`row ${t} lies behind its sequence's length`);
    return Array.from({ length: position + 1 }, (_, j) => {
      const block = index("blockTable")[s * this.steps.blocksPerSequence + Math.floor(j / KV_BLOCK_ROWS)]!;
      const row = block * KV_BLOCK_ROWS + (j % KV_BLOCK_ROWS);
      if (state.positions[row] !== j)
        throw new Error(`cache row ${row} holds position ${state.positions[row]}, not ${j}`);
      return state.tokens[row]!;
    });
  }
}

/** A model that nobody can load again. */
export function supplyOf(model: LoadedModel): ModelSupply {
  return {
    model,
    lost: new Promise(() => {}),
    reloadProblem: () => new MilletError("SOURCE_NOT_FOUND", "The mock comes from nowhere."),
    reload: async () => {
      throw new MilletError("SOURCE_NOT_FOUND", "The mock comes from nowhere.");
    },
    discard: () => model.dispose(),
  };
}

function spoil(state: MockState, rows: Int32Array): void {
  for (const row of rows) state.tokens[row] = state.positions[row] = GARBAGE;
}

function abortableDelay(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, delayMs);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
