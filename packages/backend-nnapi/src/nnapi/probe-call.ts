/** One chunk of a sequence through some layers of a model, again and again: what is timed and compared. */
import type { Executable, LoadedModel, State } from "@millet/core/backend";
import type { Graph, Value } from "@millet/core/graph";
import { asOpNode } from "@millet/core/ops";
import { elementCount, type HostTensor, tensorOf, viewAs } from "@millet/core/tensor";
import { HIDDEN } from "./layers.js";

/** The step "prompt" of a loaded model, ready to run a chunk of `tokens` tokens from position 0. */
export class ProbeCall {
  readonly #executable: Executable;
  readonly #state: State;
  readonly #inputs: Readonly<Record<string, HostTensor>>;

  private constructor(executable: Executable, state: State, inputs: Readonly<Record<string, HostTensor>>) {
    this.#executable = executable;
    this.#state = state;
    this.#inputs = inputs;
  }

  static async create(model: LoadedModel, graph: Graph, tokens: number): Promise<ProbeCall> {
    const state = model.createState();
    await state.reserve(Math.ceil(tokens / state.plan.blockRows));
    return new ProbeCall(model.executables.prompt!, state, probeInputs(graph, tokens));
  }

  /** Hidden states after these layers, [tokens, hidden]. */
  async run(): Promise<Float32Array> {
    const outputs = this.#executable.run({ inputs: this.#inputs, state: this.#state });
    return viewAs(await outputs[HIDDEN]!.read(), "f32").slice();
  }

  dispose(): void {
    this.#state.dispose();
  }
}

/** Inputs of a step that reads one sequence from its beginning; tokens are spread over the vocabulary. */
function probeInputs(graph: Graph, tokens: number): Record<string, HostTensor> {
  const values = new Map<Value, Int32Array>();
  const ascending = Int32Array.from({ length: tokens }, (_, i) => i);
  for (const node of graph.nodes.map(asOpNode)) {
    if (node.op === "embedding") {
      const rows = node.inputs[0]!.spec.shape[0]!;
      values.set(
        node.inputs[1]!,
        ascending.map((i) => (i * 7919 + 1) % rows),
      );
    } else if (node.op === "attention") {
      const [positions, , writeRows, table, lengths] = node.inputs.slice(3);
      const columns = table!.spec.shape[1]!;
      values.set(positions!, ascending);
      values.set(writeRows!, ascending);
      values.set(
        table!,
        Int32Array.from({ length: elementCount(table!.spec.shape) }, (_, i) => i % columns),
      );
      values.set(lengths!, new Int32Array(lengths!.spec.shape[0]!).fill(0).fill(tokens, 0, 1));
    }
  }
  return Object.fromEntries(
    Object.entries(graph.inputs).map(([name, value]) => {
      const { dtype, shape } = value.spec;
      const dims = value.rowAxis === "fixed" ? shape : [tokens, ...shape.slice(1)];
      if (dtype !== "i32") return [name, tensorOf("f32", dims, new Float32Array(elementCount(dims)))];
      return [name, tensorOf("i32", dims, values.get(value) ?? new Int32Array(elementCount(dims)))];
    }),
  );
}
