/**
 * Sessions of a model's parts as one session: what one part makes for another passes on, and is released once the last one
 * that takes it has run. The parts' sessions belong to whoever opened them and may serve several chains.
 */
import type { OnnxModel } from "../onnx/model.js";
import type { OrtSession, OrtTensor } from "../runtime/ort.js";

type Tensors = Readonly<Record<string, OrtTensor>>;

interface Part {
  readonly session: OrtSession;
  readonly inputs: readonly string[];
  /** Those that this chain wants. */
  readonly outputs: readonly string[];
  /** Values that no part after this one takes. */
  readonly spent: readonly string[];
}

export class ChainSession implements OrtSession {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly #parts: readonly Part[];

  /**
   * @param whole the model that was cut
   * @param models its parts in order, with their sessions
   */
  constructor(whole: OnnxModel, models: readonly (readonly [OnnxModel, OrtSession])[]) {
    const names = (values: readonly { readonly name: string }[]) => values.map(({ name }) => name);
    const given = new Set(names(whole.graph.inputs));
    const wanted = new Set(names(whole.graph.outputs));
    const taken = models.map(([{ graph }]) => names(graph.inputs).filter((name) => !given.has(name)));
    this.inputNames = [...given];
    this.outputNames = [...wanted];
    this.#parts = models.map(([{ graph }, session], i) => {
      const later = new Set(taken.slice(i + 1).flat());
      return {
        session,
        inputs: names(graph.inputs),
        outputs: names(graph.outputs).filter((name) => wanted.has(name) || later.has(name)),
        spent: taken[i]!.filter((name) => !later.has(name) && !wanted.has(name)),
      };
    });
  }

  async run(feeds: Tensors, fetches: Readonly<Record<string, OrtTensor | null>> = {}): Promise<Tensors> {
    const passing: Record<string, OrtTensor> = {};
    const results: Record<string, OrtTensor> = {};
    const wanted = new Set(this.outputNames);
    for (const { session, inputs, outputs, spent } of this.#parts) {
      const own = Object.fromEntries(inputs.map((name) => [name, feeds[name] ?? passing[name]!]));
      const made = await session.run(
        own,
        Object.fromEntries(outputs.map((name) => [name, fetches[name] ?? null])),
      );
      for (const name of outputs) {
        passing[name] = made[name]!;
        if (wanted.has(name)) results[name] = made[name]!;
      }
      for (const name of spent) {
        passing[name]?.dispose?.();
        delete passing[name];
      }
    }
    return results;
  }

  /** Does nothing: the sessions are others'. */
  async release(): Promise<void> {}
}
