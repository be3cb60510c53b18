/**
 * Calibration: runs a text through a model on any of core's backends, with what enters and leaves its dense layers as
 * outputs of the graph, and keeps their ranges.
 */
import { type Backend, type BackendFactory, KV_BLOCK_ROWS, type KvPlan } from "@millet/core/backend";
import { MilletError, throwIfAborted } from "@millet/core/errors";
import type { Graph } from "@millet/core/graph";
import { decompose } from "@millet/core/lower";
import { type HostTensor, tensorOf, viewAs, type WeightSources } from "@millet/core/tensor";
import { modelDigest } from "./digest.js";
import { RowTiers } from "./row-tiers.js";
import { type ActivationScales, SCALES_FORMAT, SCALES_VERSION } from "./scales.js";
import { type TappedGraph, tapLinears } from "./tap.js";

/** Tokens of one step: its outputs are the inputs and outputs of every layer at once, megabytes for each token. */
const CHUNK = 32;
const DEFAULT_WINDOW = 512;

/** What calibrate() needs of a model: what core's `defineModel` gives has it. */
export interface CalibratedModel {
  readonly kind: "decoder" | "encoder";
  readonly vocabularySize: number;
  readonly contextLength: number;
  readonly kv: Pick<KvPlan, "layers" | "kvHeads" | "headDim" | "valueDim">;
  readonly weights: WeightSources;
  step(shape: {
    readonly name: string;
    readonly tokens: number;
    readonly logits: number;
    readonly sequences: number;
    readonly blocksPerSequence: number;
    readonly outputs: readonly "hidden"[];
  }): Graph;
}

export interface CalibrateOptions {
  /** Where the model runs: `cpu()`, or `reference()`, which is exact and slow. */
  readonly backend: BackendFactory;
  /** Tokens of a text, each window of which is read from its own beginning. Default 512, or the context where it is shorter. */
  readonly window?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: { readonly tokens: number; readonly total: number }) => void) | undefined;
}

/**
 * @param tokenIds of a text like those that the model will read, other than any by which its quality is measured; a few
 *   thousand are enough
 * @returns ranges that `JSON.stringify` keeps whole
 * @throws MilletError INVALID_ARGUMENT, ABORTED, CALIBRATION_INVALID if the model gives numbers that are not finite, and
 *   what the backend throws
 */
export async function calibrate(
  model: CalibratedModel,
  tokenIds: readonly number[],
  {
    backend: factory,
    window = Math.min(DEFAULT_WINDOW, model.contextLength),
    signal,
    onProgress,
  }: CalibrateOptions,
): Promise<ActivationScales> {
  checkTokens(model, tokenIds, window);
  const backend = await factory.create(signal && { signal });
  try {
    const runner = await TappedModel.load(backend, model, Math.min(window, tokenIds.length), signal);
    try {
      for (let start = 0; start < tokenIds.length; start += window) {
        await runner.read(tokenIds.slice(start, start + window), signal);
        onProgress?.({ tokens: Math.min(start + window, tokenIds.length), total: tokenIds.length });
      }
      return {
        format: SCALES_FORMAT,
        version: SCALES_VERSION,
        model: await modelDigest(model.weights, signal),
        tokens: tokenIds.length,
        ...runner.ranges(),
      };
    } finally {
      await runner.dispose();
    }
  } finally {
    await backend.dispose();
  }
}

function checkTokens(model: CalibratedModel, tokenIds: readonly number[], window: number): void {
  const most = model.contextLength;
  if (!Number.isInteger(window) || window < 1 || window > most) {
    throw new MilletError("INVALID_ARGUMENT", `window must be a whole number from 1 to ${most}.`);
  }
  if (tokenIds.length === 0)
    throw new MilletError("INVALID_ARGUMENT", "There are no tokens to calibrate by.");
  const bad = tokenIds.find((id) => !Number.isInteger(id) || id < 0 || id >= model.vocabularySize);
  if (bad === undefined) return;
  throw new MilletError(
    "INVALID_ARGUMENT",
    `Token id ${bad} is not in the model's vocabulary of ${model.vocabularySize}.`,
  );
}

type Loaded = Awaited<ReturnType<Backend["load"]>>;

/** A model on a backend with its layers' inputs and outputs observed. */
class TappedModel {
  readonly #loaded: Loaded;
  readonly #tapped: TappedGraph;
  readonly #tiers: readonly RowTiers[];
  readonly #chunk: number;
  readonly #blocks: number;

  private constructor(loaded: Loaded, tapped: TappedGraph, chunk: number, blocks: number) {
    this.#loaded = loaded;
    this.#tapped = tapped;
    this.#tiers = tapped.taps.map(({ columns }) => new RowTiers(columns));
    this.#chunk = chunk;
    this.#blocks = blocks;
  }

  static async load(backend: Backend, model: CalibratedModel, window: number, signal?: AbortSignal) {
    // In an encoder each token sees all others, so that a window is one step.
    const chunk = model.kind === "encoder" ? window : Math.min(CHUNK, window);
    const blocks = Math.ceil(window / KV_BLOCK_ROWS);
    const shape = { name: "calibration", tokens: chunk, logits: 1, sequences: 1, blocksPerSequence: blocks };
    const graph = decompose(model.step({ ...shape, outputs: ["hidden"] }), (node) => backend.supports(node));
    const tapped = tapLinears(graph);
    const kv = { ...model.kv, dtype: "f32" as const, blockRows: KV_BLOCK_ROWS, maxBlocks: blocks };
    const loaded = await backend.load({ step: tapped.graph }, model.weights, kv, signal && { signal });
    return new TappedModel(loaded, tapped, chunk, blocks);
  }

  /** A text of at most a window. */
  async read(ids: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const state = this.#loaded.createState();
    try {
      await state.reserve(this.#blocks);
      for (let start = 0; start < ids.length; start += this.#chunk) {
        throwIfAborted(signal, "Calibration");
        const inputs = this.#inputs(ids.slice(start, start + this.#chunk), start);
        const outputs = this.#loaded.executables.step!.run({ inputs, state, ...(signal && { signal }) });
        await this.#observe((name) => outputs[name]!.read());
        outputs.hidden!.dispose();
      }
    } finally {
      state.dispose();
    }
  }

  async #observe(read: (output: string) => Promise<HostTensor>): Promise<void> {
    for (const [i, { output }] of this.#tapped.taps.entries()) {
      if (this.#tiers[i]!.add(viewAs(await read(output), "f32"))) continue;
      const { linears } = this.#tapped;
      const layer = Object.keys(linears).find(
        (name) => linears[name]!.input === i || linears[name]!.output === i,
      );
      throw new MilletError(
        "CALIBRATION_INVALID",
        `What enters or leaves the layer of "${layer}" is not a finite number for some token of the text. The model file ` +
          'may be damaged: "millet verify" tells.',
        { details: { layer } },
      );
    }
  }

  #inputs(ids: readonly number[], start: number): Record<string, HostTensor> {
    const ints = (values: readonly number[], shape: readonly number[] = [values.length]) =>
      tensorOf("i32", shape, Int32Array.from(values));
    const rows = ids.map((_, i) => start + i);
    const zeros = ids.map(() => 0);
    const places = { positions: ints(rows), writeRows: ints(rows), sequences: ints(zeros) };
    return {
      tokens: ints(ids),
      ...(this.#tapped.graph.inputs.tokenTypes && { tokenTypes: ints(zeros) }),
      ...places,
      blockTable: ints([...Array(this.#blocks).keys()], [1, this.#blocks]),
      lengths: ints([start + ids.length]),
      logitRows: ints([ids.length - 1]),
    };
  }

  ranges(): Pick<ActivationScales, "values" | "linears"> {
    return { values: this.#tiers.map((tiers) => tiers.range()), linears: this.#tapped.linears };
  }

  dispose(): Promise<void> {
    return this.#loaded.dispose();
  }
}
